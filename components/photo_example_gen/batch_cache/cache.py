"""The cache of ingested batches: each batch, and the base set as one more, decoded once.

```
<cache>/<key>/piece.json              names the attempt that counts; written last
<cache>/<key>/<attempt>/Split-train/  shards, as in an Examples artifact
<cache>/<key>/<attempt>/entries.jsonl see `index`
<cache>/<key>/<attempt>/refused.csv
<cache>/<key>/<attempt>/rows/         see `row_files`; until the attempt counts
<cache>/_used/                        see `uses`
<cache>/_digests/                     see `files.content_digests`
```
Each attempt writes to its own folder, so a killed attempt leaves nothing that looks like a batch,
and two attempts at the same time do not disturb each other. Anything in the cache may be deleted at
any time: it is created again. `sweep` deletes what nobody uses.
"""

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from customer_age.errors import RunError
from customer_age.files import addresses, leftovers, store
from customer_age.labels import DataSet
from customer_age.schema.features import SPLITS
from customer_age.schema.refusals import Refusal

from ...artifacts.ingestion import read_refused
from .. import row_files, tfrecord_shards
from . import index, uses

MANIFEST = "piece.json"
_OURS = re.compile("[0-9a-f]{32}")
"""The names of folders of keys and attempts. Other files do not belong to the cache."""


@dataclass(frozen=True)
class CachedBatch:
    """The ingested examples of the base set or of one batch.

    Attributes:
        uri: its folder.
        name: in the inbox; empty for the base set.
        rows: of its label tables.
        shard_count: number of shards; a split has at most one file for each.
        entries: the index entry of each example.
        refused: the rows without an example.
    """

    uri: str
    name: str
    rows: int
    shard_count: int
    entries: Sequence[index.Entry]
    refused: Sequence[Refusal]

    def shard(self, split: str, number: int) -> str:
        """Return the path of a shard."""
        name = tfrecord_shards.name_of(number, self.shard_count)
        return addresses.join(self.uri, tfrecord_shards.folder_of(split), name)

    def is_whole(self) -> bool:
        """Return whether each shard with examples exists."""
        there = {addresses.join(self.uri, each.name) for each in store.list(self.uri)}
        return {self.shard(entry.split, entry.shard) for entry in self.entries} <= there


class BatchCache:
    """A folder, or a prefix of a bucket, with batches by key."""

    def __init__(self, uri: str) -> None:
        self._uri = uri.rstrip("/")

    @property
    def uri(self) -> str:
        """Path or address of the cache."""
        return self._uri

    def use(self, keys: Sequence[str]) -> None:
        """Note the batches that a run uses, before it reads them, so that no sweep deletes them.

        This needs one request.

        Raises:
            OSError: the cache cannot be written.
        """
        uses.write(self._uri, keys)

    def find(self, key: str, name: str) -> CachedBatch | None:
        """Return the batch of a key; None if it was not ingested, or is no longer complete."""
        manifest = self._manifest(key)
        if manifest is None:
            return None
        uri = addresses.join(self._uri, key, manifest["attempt"])
        try:
            entries, refused = index.read(uri), read_refused(uri)
        except FileNotFoundError:  # deleted, or written by a release with another file name
            return None
        if not {entry.split for entry in entries} <= set(SPLITS):  # folders are named after them
            return None
        return CachedBatch(uri, name, manifest["rows"], manifest["shards"], entries, refused)

    def attempt(self, key: str) -> str:
        """Return the URI of a new folder to ingest a batch into."""
        return addresses.join(self._uri, key, uuid.uuid4().hex)

    def counting(self, key: str) -> str:
        """Return the name of the attempt that counts, complete or not; empty if none does."""
        manifest = self._manifest(key)
        return manifest["attempt"] if manifest else ""

    def attempts(self) -> dict[str, CachedBatch | None]:
        """Return the folder of every attempt, with its batch if the attempt counts."""
        found: dict[str, CachedBatch | None] = {}
        keys = set()
        for file in chain(store.list(self._uri), leftovers.unfinished(self._uri)):
            key, attempt = attempt_of(file.name)
            if attempt:
                found.setdefault(addresses.join(self._uri, key, attempt), None)
                keys.add(key)
        for key in keys:
            if (batch := self.find(key, "")) is not None:
                found[batch.uri] = batch
        return found

    def discard(self, folder: str) -> None:
        """Delete an attempt; if it counts, delete the batch's manifest first."""
        key, attempt = addresses.plain(folder).split("/")[-2:]
        if self.counting(key) == attempt:
            store.delete(addresses.join(self._uri, key, MANIFEST))
        store.delete(folder, folder=True)

    def discard_damaged(self, keys: Sequence[str]) -> None:
        """Delete the run's batches with missing shards, which somebody deleted."""
        for key in keys:
            batch = self.find(key, "")
            if batch is not None and not batch.is_whole():
                self.discard(batch.uri)

    def commit(self, key: str, attempt: str, data_set: DataSet, shard_count: int) -> CachedBatch:
        """Make an attempt count, or delete it if another attempt already counts.

        Args:
            key: of the batch.
            attempt: its folder, with all files.
            data_set: that was ingested.
            shard_count: maximum number of shards of each split.

        Raises:
            RunError: rows were lost during ingestion.
        """
        if (other := self.find(key, data_set.batch)) is not None:
            store.delete(attempt, folder=True)
            return other
        tfrecord_shards.remove_unfinished(attempt)
        row_files.delete(attempt)
        entries = index.gather(attempt)
        refused = read_refused(attempt)
        if data_set.row_count != len(entries) + len(refused):
            raise RunError(
                f"ingestion of {data_set.folder.shown('')} lost rows: {data_set.row_count} rows "
                f"resulted in {len(entries)} examples and {len(refused)} refusals; "
                "run again with another --runner or direct_running_mode of Beam"
            )
        manifest = {
            "attempt": addresses.plain(attempt).rpartition("/")[2],
            "rows": data_set.row_count,
            "shards": shard_count,
        }
        store.write_whole(addresses.join(self._uri, key, MANIFEST), json.dumps(manifest).encode())
        return CachedBatch(
            attempt, data_set.batch, data_set.row_count, shard_count, entries, refused
        )

    def _manifest(self, key: str) -> dict[str, Any] | None:
        try:
            manifest = json.loads(store.read(addresses.join(self._uri, key, MANIFEST)))
        except FileNotFoundError:
            return None
        # Check the name: anyone may have written it, and the folder will be read and deleted.
        attempt = manifest.get("attempt") if isinstance(manifest, dict) else None
        return manifest if isinstance(attempt, str) and is_ours(attempt) else None


def attempt_of(name: str) -> tuple[str, str]:
    """Return key and attempt of a file in a cache, from its name; empty if it has none."""
    key, _, inner = name.partition("/")
    attempt, _, rest = inner.partition("/")
    return (key, attempt) if rest and is_ours(key) and is_ours(attempt) else ("", "")


def is_ours(name: str) -> bool:
    """Return whether a folder or a note with this name can belong to the cache."""
    return _OURS.fullmatch(name) is not None
