"""Finds all data of a subject, and erases them; finding changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from customer_age.components.photo_example_gen.batch_cache import BatchCache
from customer_age.files import addresses, store
from customer_age.files.content_digests import ContentDigests
from customer_age.labels import tombstones

from ..running.work_folder import WorkFolder
from ..settings.settings import Settings
from . import kept_texts, run_artifacts, uploads
from .run_artifacts import KeptExamples
from .subject import Subject
from .traces import Traces
from .uploads import Rows


@dataclass(frozen=True)
class Counts:
    """How much is erased.

    Attributes:
        photos: files in uploads.
        rows: rows of their tables, including profiles.
        cached_batches: batches of the batch cache, each deleted completely.
        artifacts: artifacts of runs, each deleted completely.
        examples: examples in those cached batches and artifacts.
        texts: reports, logs and rows of the ledger that name a photo; only the names are erased.
        unread: a sentence for each table of an upload that cannot be read; its content is not
            erased.
    """

    photos: int
    rows: int
    cached_batches: int
    artifacts: int
    examples: int
    texts: int = 0
    unread: tuple[str, ...] = ()

    def erased(self) -> dict[str, int]:
        """Return the counts in the form of certificates and the audit file."""
        return {
            "photos": self.photos,
            "rows": self.rows,
            "pieces": self.cached_batches,
            "artifacts": self.artifacts,
            "examples": self.examples,
            "texts": self.texts,
        }


@dataclass(frozen=True)
class Plan:
    """All data to erase.

    Attributes:
        rows: rows of uploads.
        unread: a sentence for each table that cannot be read.
        cached_batches: batches of the batch cache.
        artifacts: artifacts of runs.
        traces: names and hashes of the subject.
        texts: files that name a photo.
        ledger: the ledger's address; empty if there is no ledger.
        ledger_rows: how many rows of the ledger name a photo.
        searched: each place that was searched, as users know it.
    """

    rows: list[Rows]
    unread: list[str]
    cached_batches: list[KeptExamples]
    artifacts: list[KeptExamples]
    traces: Traces
    texts: list[str]
    ledger: str
    ledger_rows: int
    searched: tuple[str, ...]

    @classmethod
    def of(
        cls, settings: Settings, subject: Subject, further_roots: Sequence[str], key: str
    ) -> "Plan":
        """Search all places.

        Args:
            settings: the settings, with reached addresses.
            subject: the subject to forget.
            further_roots: roots of pipelines' artifacts, in addition to the work folder's.
            key: the persons' key.

        Raises:
            RunError: a place cannot be searched.
        """
        forgotten = subject.forgotten()
        rows, unread = uploads.find(settings.data, subject, key)
        traces = Traces(persons=forgotten.persons)
        for found in rows:
            traces |= found.traces
        cached_batches = run_artifacts.cached_batches(settings.batch_cache, forgotten, traces)
        for cached in cached_batches:
            traces |= cached.traces
        roots = [
            addresses.reached_by(root, settings.beam.args)
            for root in (settings.pipeline_root, *further_roots)
        ]
        artifacts = [
            each for root in roots for each in run_artifacts.artifacts(root, forgotten, traces)
        ]
        pattern = traces.pattern()
        texts: list[str] = []
        ledger = _ledger(settings)
        if pattern is not None:
            places = [*_written_for_people(settings), *roots]
            texts = [file for place in places for file in kept_texts.named_in(place, pattern)]
        named = kept_texts.erase_in_database(ledger, pattern, True) if ledger and pattern else 0
        searched = (
            settings.data.inbox or "",
            settings.data.path or "",
            settings.batch_cache,
            settings.work_dir,
            *roots,
            ledger,
        )
        return cls(
            rows=rows,
            unread=unread,
            cached_batches=cached_batches,
            artifacts=artifacts,
            traces=traces,
            texts=texts,
            ledger=ledger,
            ledger_rows=named,
            searched=tuple(dict.fromkeys(addresses.plain(each) for each in searched if each)),
        )

    def is_empty(self) -> bool:
        """Return whether nothing of the subject was found in the readable places."""
        # A killed ingestion leaves no record of the persons in its files.
        cached = any(each.examples or each.traces.rows for each in self.cached_batches)
        counts = self.counts()
        return not (counts.rows or cached or counts.artifacts or counts.texts or counts.unread)

    def batches(self) -> frozenset[str]:
        """Return the batches of the subject's photos, an empty name for the base set."""
        return frozenset(batch for batch, _ in self.traces.photos)

    def counts(self) -> Counts:
        """Return how much is erased."""
        kept = (*self.cached_batches, *self.artifacts)
        return Counts(
            photos=sum(len(rows.photos) for rows in self.rows),
            rows=sum(len(rows.lines) for rows in self.rows),
            cached_batches=len(self.cached_batches),
            artifacts=len(self.artifacts),
            examples=sum(each.examples for each in kept),
            texts=len(self.texts_left()) + self.ledger_rows,
            unread=tuple(self.unread),
        )

    def texts_left(self) -> list[str]:
        """Return the texts that are not deleted together with an artifact."""
        gone = tuple(f"{addresses.plain(each.uri)}/" for each in self.artifacts)
        return [file for file in self.texts if not addresses.plain(file).startswith(gone)]

    def carry_out(self, settings: Settings, folder: WorkFolder) -> None:
        """Erase all data of the plan."""
        inbox = settings.data.inbox or ""
        tombstones.clear_half_written(inbox)
        for root in filter(None, (inbox, settings.data.path)):
            kept_texts.clear_half_written(root)
        gone = {addresses.plain(each.uri) for each in self.artifacts}
        run_artifacts.mark_deleted(folder.metadata, folder.pipeline_root, gone)
        for each in self.artifacts:
            store.delete(each.uri, folder=True)
        cache = BatchCache(settings.batch_cache)
        for each in self.cached_batches:
            cache.discard(each.uri)
        self._erase_names(settings)
        for rows in self.rows:
            rows.erase_photos()
        digests = ContentDigests(settings.batch_cache)
        for data_folder in {rows.table.folder.path("") for rows in self.rows}:
            digests.forget(data_folder)
        for rows in self.rows:
            rows.erase_rows()

    def _erase_names(self, settings: Settings) -> None:
        kept_texts.clear_half_written(settings.work_dir)
        pattern = self.traces.pattern()
        if pattern is None:
            return
        for file in self.texts_left():
            kept_texts.erase(file, pattern)
        if self.ledger_rows:
            kept_texts.erase_in_database(self.ledger, pattern)


def _written_for_people(settings: Settings) -> list[str]:
    """Return the folders and files of a work folder with texts, except the artifacts."""
    folder = WorkFolder(settings.work_dir)
    return [str(folder.logs), str(folder.reports), str(folder.newest_report)]


def _ledger(settings: Settings) -> str:
    """Return the ledger's address; empty if there is none, because a search must not create it."""
    uri = settings.ledger_uri
    file = addresses.sqlite_path(uri)
    return uri if file is None or Path(file).exists() else ""
