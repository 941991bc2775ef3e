"""The cache of ingested batches: each batch, and the base set as one more, decoded once.

```
<cache>/<key>/piece.json              names the attempt that counts; written last
<cache>/<key>/<attempt>/Split-train/  shards, as an Examples artifact has them
<cache>/<key>/<attempt>/entries.jsonl see `index`
<cache>/<key>/<attempt>/refused.csv
<cache>/<key>/<attempt>/rows/         see `row_files`; until the attempt counts
<cache>/_used/                        see `uses`
<cache>/_digests/                     see `files.content_digests`
```
Each attempt writes into a folder of its own, so a killed one leaves nothing that is taken for a
batch, and two at once do not meet. Any of it may be deleted at any time: it is made again. What
nobody uses is deleted by `sweep`.
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
"""What folders of keys and attempts are called. Whatever else lies there is not the cache's."""


@dataclass(frozen=True)
class CachedBatch:
    """The examples of the base set or of one batch, as they were ingested.

    Attributes:
        uri: its folder.
        name: in the inbox; empty for the base set.
        rows: of its label tables.
        shard_count: of which each split has a file, or none.
        entries: what is known of each example.
        refused: the rows that gave no example.
    """

    uri: str
    name: str
    rows: int
    shard_count: int
    entries: Sequence[index.Entry]
    refused: Sequence[Refusal]

    def shard(self, split: str, number: int) -> str:
        """The path of a shard."""
        name = tfrecord_shards.name_of(number, self.shard_count)
        return addresses.join(self.uri, tfrecord_shards.folder_of(split), name)

    def is_whole(self) -> bool:
        """Whether each shard that has an example is there."""
        there = {addresses.join(self.uri, each.name) for each in store.list(self.uri)}
        return {self.shard(entry.split, entry.shard) for entry in self.entries} <= there


class BatchCache:
    """A folder, or a prefix of a bucket, of batches by key."""

    def __init__(self, uri: str) -> None:
        self._uri = uri.rstrip("/")

    @property
    def uri(self) -> str:
        """Where it lies."""
        return self._uri

    def use(self, keys: Sequence[str]) -> None:
        """Say which batches a run uses, before it looks for any: no sweep deletes one meanwhile.

        It costs one request.

        Raises:
            OSError: the cache cannot be written.
        """
        uses.write(self._uri, keys)

    def find(self, key: str, name: str) -> CachedBatch | None:
        """The batch of a key, or None where it was not ingested yet, or is no longer whole."""
        manifest = self._manifest(key)
        if manifest is None:
            return None
        uri = addresses.join(self._uri, key, manifest["attempt"])
        try:
            entries, refused = index.read(uri), read_refused(uri)
        except FileNotFoundError:  # deleted, or written by a release that named it otherwise
            return None
        if not {entry.split for entry in entries} <= set(SPLITS):  # of which folders are named
            return None
        return CachedBatch(uri, name, manifest["rows"], manifest["shards"], entries, refused)

    def attempt(self, key: str) -> str:
        """A new folder to ingest a batch into."""
        return addresses.join(self._uri, key, uuid.uuid4().hex)

    def counting(self, key: str) -> str:
        """The name of the attempt that counts, whole or not; empty where none does."""
        manifest = self._manifest(key)
        return manifest["attempt"] if manifest else ""

    def attempts(self) -> dict[str, CachedBatch | None]:
        """Every folder that an attempt was written into, and its batch where it counts."""
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
        """Delete an attempt; where it counts, the batch stops counting first."""
        key, attempt = addresses.plain(folder).split("/")[-2:]
        if self.counting(key) == attempt:
            store.delete(addresses.join(self._uri, key, MANIFEST))
        store.delete(folder, folder=True)

    def discard_damaged(self, keys: Sequence[str]) -> None:
        """Delete those of a run's batches of which shards are missing: somebody deleted them."""
        for key in keys:
            batch = self.find(key, "")
            if batch is not None and not batch.is_whole():
                self.discard(batch.uri)

    def commit(self, key: str, attempt: str, data_set: DataSet, shard_count: int) -> CachedBatch:
        """Let an attempt count, or throw it away where another one does already.

        Args:
            key: of the batch.
            attempt: its folder, completely written.
            data_set: that it was made of.
            shard_count: in how many shards, at most, each split was written.

        Raises:
            RunError: rows were lost on the way.
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
                f"ingestion of {data_set.folder.shown('')} lost count: {data_set.row_count} rows "
                f"became {len(entries)} examples and {len(refused)} refusals; "
                "run again, with another --runner or direct_running_mode of Beam"
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
        # Anyone may have written it, and an attempt is a folder that is read and deleted.
        attempt = manifest.get("attempt") if isinstance(manifest, dict) else None
        return manifest if isinstance(attempt, str) and is_ours(attempt) else None


def attempt_of(name: str) -> tuple[str, str]:
    """Key and attempt of a file in a cache, by its name there; empty where it is of none."""
    key, _, inner = name.partition("/")
    attempt, _, rest = inner.partition("/")
    return (key, attempt) if rest and is_ours(key) and is_ours(attempt) else ("", "")


def is_ours(name: str) -> bool:
    """Whether a folder, or a note, of this name can be the cache's own."""
    return _OURS.fullmatch(name) is not None
