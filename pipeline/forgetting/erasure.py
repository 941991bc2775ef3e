"""Erases a subject: first a tombstone, then what runs have kept, then photos, and rows at the end.

In this order a killed `forget` can be called again: whatever is left is still found, and from its
first moment on no run learns from what is forgotten.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from customer_age.components.photo_example_gen.batch_cache import BatchCache
from customer_age.errors import SettingsError
from customer_age.files import addresses, store
from customer_age.files.content_digests import ContentDigests
from customer_age.labels import pseudonyms, tombstones

from ..running.work_folder import WorkFolder
from ..settings.settings import Settings
from . import run_artifacts, uploads
from .run_artifacts import KeptExamples
from .subject import Subject
from .uploads import Rows


@dataclass(frozen=True)
class Counts:
    """What is erased.

    Attributes:
        photos: files in uploads.
        rows: of their tables, profiles among them.
        cached_batches: of the batch cache, each deleted whole.
        artifacts: of runs, each deleted whole.
        examples: in those cached batches and artifacts.
        unread: a sentence for each table of an upload that cannot be read; what it holds is still
            there.
    """

    photos: int
    rows: int
    cached_batches: int
    artifacts: int
    examples: int
    unread: tuple[str, ...] = ()


def person_key(settings: Settings) -> str:
    """The key that a card's number is hashed with; made where the settings name none.

    Raises:
        SettingsError: there is no such file, or it holds no key.
    """
    if settings.data.person_key_file is None:
        pseudonyms.make(settings.person_key_file)
    return pseudonyms.read(settings.person_key_file)


def forget(
    settings: Settings, subject: Subject, further_roots: Sequence[str] = (), dry_run: bool = False
) -> Counts:
    """Erase a subject everywhere, and see that nothing brings it back.

    Args:
        settings: where the inbox, the cache and the work folder are.
        subject: what is to be forgotten.
        further_roots: of pipelines' artifacts, besides the work folder's.
        dry_run: only count what would be erased.

    Raises:
        SettingsError: there is no inbox, or its tombstones are of another key.
        RunError: a run is using the work folder.
    """
    settings = settings.reached()
    inbox = settings.data.inbox
    if not inbox:
        raise SettingsError(
            "data.inbox: not set; tombstones are kept there, so that no later batch brings back "
            "what is forgotten"
        )
    tombstones.require_key(tombstones.read(inbox), person_key(settings))
    folder = WorkFolder(settings.work_dir)
    folder.prepare()
    with folder.held():
        if dry_run:
            return _Plan.of(settings, subject, further_roots).counts()
        subject.write_tombstone(inbox)
        plan = _Plan.of(settings, subject, further_roots)
        plan.carry_out(settings, folder)
        _audit(folder, subject, plan.counts())
        return plan.counts()


@dataclass(frozen=True)
class _Plan:
    """All that is to be erased."""

    rows: list[Rows]
    unread: list[str]
    cached_batches: list[KeptExamples]
    artifacts: list[KeptExamples]

    @classmethod
    def of(cls, settings: Settings, subject: Subject, further_roots: Sequence[str]) -> "_Plan":
        rows, unread = uploads.find(settings.data, subject, person_key(settings))
        cached_batches = run_artifacts.cached_batches(settings.batch_cache, subject.forgotten())
        names = frozenset[tuple[str, str]]().union(
            *(each.names for each in rows), *(each.names for each in cached_batches)
        )
        artifacts = [
            each
            for root in (settings.pipeline_root, *further_roots)
            for each in run_artifacts.artifacts(
                addresses.reached_by(root, settings.beam.args), subject.forgotten(), names
            )
        ]
        return cls(rows, unread, cached_batches, artifacts)

    def counts(self) -> Counts:
        kept = (*self.cached_batches, *self.artifacts)
        return Counts(
            photos=sum(len(rows.photos) for rows in self.rows),
            rows=sum(len(rows.lines) for rows in self.rows),
            cached_batches=len(self.cached_batches),
            artifacts=len(self.artifacts),
            examples=sum(each.examples for each in kept),
            unread=tuple(self.unread),
        )

    def carry_out(self, settings: Settings, folder: WorkFolder) -> None:
        gone = {addresses.plain(each.uri) for each in self.artifacts}
        run_artifacts.mark_deleted(folder.metadata, gone)
        for each in self.artifacts:
            store.delete(each.uri, folder=True)
        cache = BatchCache(settings.batch_cache)
        for each in self.cached_batches:
            cache.discard(each.uri)
        for rows in self.rows:
            rows.erase_photos()
        digests = ContentDigests(settings.batch_cache)
        for data_folder in {rows.table.folder.path("") for rows in self.rows}:
            digests.forget(data_folder)
        for rows in self.rows:
            rows.erase_rows()


def _audit(folder: WorkFolder, subject: Subject, counts: Counts) -> None:
    """Keep a line of what was done, without who it was."""
    line = {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "forgotten": subject.kind,
        "photos": counts.photos,
        "rows": counts.rows,
        "pieces": counts.cached_batches,
        "artifacts": counts.artifacts,
        "examples": counts.examples,
        "unread": counts.unread,
    }
    with folder.audit.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(line)}\n")
