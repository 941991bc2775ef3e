"""The cache of ingested pieces: the base set and each batch, decoded once.

```
<cache>/<key>/piece.json              names the attempt that counts; written last
<cache>/<key>/<attempt>/Split-train/  shards, as an Examples artifact has them
<cache>/<key>/<attempt>/entries.jsonl see `piece_index`
<cache>/<key>/<attempt>/refused.csv
```
Each attempt writes into a folder of its own, so a killed one leaves nothing that is taken for a
piece, and two at once do not meet. Any of it may be deleted at any time: it is made again.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from apache_beam.io.filesystems import FileSystems

from customer_age.errors import RunError
from customer_age.labels.data_set import DataSet
from customer_age.schema.refusals import Refusal

from .. import refused_list, tfrecord_shards
from . import index

MANIFEST = "piece.json"


@dataclass(frozen=True)
class Piece:
    """The examples of the base set or of one batch, as they were ingested.

    Attributes:
        uri: its folder.
        batch: its name in the inbox; empty for the base set.
        rows: of its label tables.
        shard_count: of which each split has a file, or none.
        entries: what is known of each example.
        refused: the rows that gave no example.
    """

    uri: str
    batch: str
    rows: int
    shard_count: int
    entries: Sequence[index.Entry]
    refused: Sequence[Refusal]

    def shard(self, split: str, number: int) -> str:
        """The path of a shard."""
        name = tfrecord_shards.name_of(number, self.shard_count)
        return tfrecord_shards.join(self.uri, tfrecord_shards.folder_of(split), name)


class PieceCache:
    """A folder, or a prefix of a bucket, of pieces by key."""

    def __init__(self, uri: str) -> None:
        self._uri = uri.rstrip("/")

    def find(self, key: str, batch: str) -> Piece | None:
        """The piece of a key, or None where it was not ingested yet, or is no longer whole."""
        manifest = tfrecord_shards.join(self._uri, key, MANIFEST)
        if not FileSystems.exists(manifest):
            return None
        told = json.loads(tfrecord_shards.read(manifest))
        uri = tfrecord_shards.join(self._uri, key, told["attempt"])
        try:
            entries, refused = index.read(uri), refused_list.read(uri)
        except FileNotFoundError:  # deleted, or written by a release that named it otherwise
            return None
        return Piece(uri, batch, told["rows"], told["shards"], entries, refused)

    def attempt(self, key: str) -> str:
        """A new folder to ingest a piece into."""
        folder = tfrecord_shards.join(self._uri, key, uuid.uuid4().hex)
        tfrecord_shards.make_folder(folder)
        return folder

    def attempts(self) -> dict[str, Piece | None]:
        """Every folder that an attempt was written into, and its piece where it counts."""
        found: dict[str, Piece | None] = {}
        for file in tfrecord_shards.files(self._uri):
            key, _, inner = file[len(self._uri) + 1 :].partition("/")
            attempt, _, rest = inner.partition("/")
            if rest:
                found.setdefault(tfrecord_shards.join(self._uri, key, attempt), None)
        for key in {folder.split("/")[-2] for folder in found}:
            if (piece := self.find(key, "")) is not None:
                found[piece.uri] = piece
        return found

    def discard(self, folder: str) -> None:
        """Delete an attempt; a piece stops counting first."""
        key = folder.split("/")[-2]
        tfrecord_shards.remove_file(tfrecord_shards.join(self._uri, key, MANIFEST))
        tfrecord_shards.remove(folder)

    def commit(self, key: str, attempt: str, data_set: DataSet, shard_count: int) -> Piece:
        """Let an attempt count, or throw it away where another one does already.

        Args:
            key: of the piece.
            attempt: its folder, completely written.
            data_set: that it was made of.
            shard_count: in how many shards, at most, each split was written.

        Raises:
            RunError: rows were lost on the way.
        """
        if (other := self.find(key, data_set.batch)) is not None:
            tfrecord_shards.remove(attempt)
            return other
        tfrecord_shards.remove_unfinished(attempt)
        entries = index.gather(attempt)
        refused = refused_list.read(attempt)
        if data_set.row_count != len(entries) + len(refused):
            raise RunError(
                f"ingestion of {data_set.folder.path('')} lost count: {data_set.row_count} rows "
                f"became {len(entries)} examples and {len(refused)} refusals; "
                "run again, with another --runner or direct_running_mode of Beam"
            )
        told = {
            "attempt": attempt.rpartition("/")[2],
            "rows": data_set.row_count,
            "shards": shard_count,
        }
        tfrecord_shards.write(
            tfrecord_shards.join(self._uri, key, MANIFEST), json.dumps(told).encode()
        )
        return Piece(attempt, data_set.batch, data_set.row_count, shard_count, entries, refused)
