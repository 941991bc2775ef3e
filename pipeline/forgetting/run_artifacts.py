"""Finds what runs have kept of a subject: batches in the batch cache, and `Examples` artifacts.

Each is deleted completely: the next run makes it again, without the subject.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from customer_age.components.artifacts import ingestion
from customer_age.components.photo_example_gen.batch_cache import (
    BatchCache,
    CachedBatch,
    Entry,
    records,
)
from customer_age.files import addresses, store
from customer_age.labels import Forgotten
from customer_age.schema import features

from .traces import Traces


@dataclass(frozen=True)
class KeptExamples:
    """A folder that contains or may contain examples or refusals of the subject.

    Attributes:
        uri: the folder's path or URL.
        examples: the number of the subject's examples; 0 if a killed ingestion left the folder.
        traces: names and hashes of their photos.
    """

    uri: str
    examples: int
    traces: Traces = Traces()


def cached_batches(cache_uri: str, forgotten: Forgotten, traces: Traces) -> list[KeptExamples]:
    """Find cached batches of the subject, and all unfinished attempts: their content is unknown.

    Args:
        cache_uri: path or URL of the batch cache.
        forgotten: hashes and days of the subject.
        traces: names and hashes of the photos in uploads.
    """
    found = []
    for folder, cached_batch in BatchCache(cache_uri).attempts().items():
        if cached_batch is None:
            found.append(KeptExamples(folder, 0))
            continue
        theirs = _entries(cached_batch, forgotten, traces)
        refused = [each for each in cached_batch.refused if traces.are_in(each)]
        if theirs or refused:
            found.append(KeptExamples(folder, len(theirs), _traces(theirs, refused)))
    return found


def _entries(batch: CachedBatch, forgotten: Forgotten, traces: Traces) -> list[Entry]:
    return [
        entry
        for entry in batch.entries
        if forgotten.covers(entry.person, entry.captured)
        or (entry.batch, entry.file_name) in traces.photos
    ]


def _traces(entries: Iterable[Entry], refused: Iterable[ingestion.Refusal]) -> Traces:
    rows = {(each.table, each.file_name) for each in entries}
    rows |= {(each.table, each.file_name) for each in refused}
    photos = frozenset((each.batch, each.file_name) for each in entries)
    return Traces(photos, frozenset(rows))


def artifacts(root: str, forgotten: Forgotten, traces: Traces) -> list[KeptExamples]:
    """Find `Examples` artifacts of the subject below a pipeline root.

    Args:
        root: root folder of a pipeline's artifacts.
        forgotten: hashes of persons.
        traces: names and hashes of photos.
    """
    found = []
    for folder, files in sorted(_examples_below(root).items()):
        count = sum(_is_theirs(record, forgotten, traces.photos) for record in _records(files))
        if count or any(map(traces.are_in, _refused(folder))):
            found.append(KeptExamples(folder, count))
    return found


def _refused(folder: str) -> list[ingestion.Refusal]:
    try:
        return ingestion.read_refused(folder)
    except FileNotFoundError:  # a run was killed before it wrote the list
        return []


def _examples_below(root: str) -> dict[str, list[str]]:
    """Return the shards of each `Examples` folder."""
    found: dict[str, list[str]] = {}
    for file in sorted(each.name for each in store.list(root)):
        folder, _, name = file.rpartition("/")
        above, _, split = folder.rpartition("/")
        if name.endswith(".gz") and split.startswith("Split-"):
            found.setdefault(addresses.join(root, above), []).append(addresses.join(root, file))
    return found


def _records(files: list[str]) -> Iterator[bytes]:
    for file in files:
        yield from records(file)


def _is_theirs(record: bytes, forgotten: Forgotten, names: Set[tuple[str, str]]) -> bool:
    if not names and not any(person.encode() in record for person in forgotten.persons):
        return False  # most records need no parsing
    import tensorflow as tf

    feature = tf.train.Example.FromString(record).features.feature

    def value(name: str) -> str:
        values = feature[name].bytes_list.value
        return values[0].decode() if values else ""

    theirs = (value(features.BATCH), value(features.FILE_NAME))
    return value(features.PERSON) in forgotten.persons or theirs in names


def mark_deleted(metadata: Path, pipeline_root: Path, uris: Set[str]) -> None:
    """Mark artifacts as deleted in ML Metadata, so that TFX does not reuse them.

    Args:
        metadata: the SQLite file of a work folder; it need not exist.
        pipeline_root: the pipeline root of the same work folder.
        uris: the URIs of the artifacts.
    """
    if not uris or not metadata.exists():
        return
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    from ..running import moved_artifacts
    from ..running.metadata import open_store

    metadata_store = open_store(metadata)
    moved_artifacts.record_present_places(metadata_store, pipeline_root)
    gone = [
        artifact for uri in sorted(uris) for artifact in metadata_store.get_artifacts_by_uri(uri)
    ]
    for artifact in gone:
        artifact.state = mlmd.Artifact.DELETED
    if gone:
        metadata_store.put_artifacts(gone)
