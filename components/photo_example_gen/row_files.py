"""Files that pass the rows of label tables to the workers, in the attempt's own folder.

The process that starts Beam reads the tables, because it has the secrets. Workers get rows with a
hash instead of each person. Beam's graph contains only the number of files: not the key, and
nothing that grows with the number of photos.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import attrgetter

from customer_age.files import addresses, store
from customer_age.labels import LabelRow
from customer_age.schema.refusals import Reason

ROWS_PER_FILE = 4096

_FOLDER = "rows"
_values = attrgetter(*(field.name for field in dataclasses.fields(LabelRow)))


def write(attempt: str, rows: Iterable[LabelRow]) -> int:
    """Write rows to files; only the rows of one file are in memory at a time.

    Args:
        attempt: URI of a folder.
        rows: of a data set.

    Returns:
        The number of files.

    Raises:
        OSError: a file cannot be written.
    """
    remaining, count = iter(rows), 0
    while some := list(islice(remaining, ROWS_PER_FILE)):
        lines = "".join(f"{json.dumps(_values(row))}\n" for row in some)
        store.write_whole(_address(attempt, count), lines.encode())
        count += 1
    return count


def read(number: int, attempt: str) -> Iterator[LabelRow]:
    """Read the rows of a file, in order.

    Raises:
        OSError: the file cannot be read.
    """
    for line in store.read(_address(attempt, number)).splitlines():
        values = dict(zip(LabelRow.__dataclass_fields__, json.loads(line), strict=True))
        values["extras"] = tuple((name, text) for name, text in values["extras"])
        if values["problem"] is not None:
            values["problem"] = Reason(values["problem"])
        yield LabelRow(**values)


def delete(attempt: str) -> None:
    """Delete the files, because they contain the photos' original names."""
    store.delete(addresses.join(attempt, _FOLDER), folder=True)


def _address(attempt: str, number: int) -> str:
    return addresses.join(attempt, _FOLDER, f"{number:05d}.jsonl")
