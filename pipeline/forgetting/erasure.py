"""Erases a subject: first writes a tombstone, then erases what runs kept, then photos, then rows.

In this order a killed `forget` can be called again: it still finds everything that is left. As soon
as the tombstone is written, no run trains on the subject.
"""

import contextlib
import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from customer_age.errors import NothingFound, RunError, SettingsError
from customer_age.files import addresses, store
from customer_age.labels import pseudonyms, tombstones
from customer_age.model_registry import ModelRegistry
from customer_age.redaction import hide_credentials

from ..running.work_folder import WorkFolder
from ..settings.settings import Settings
from . import certificate, trained_versions
from .certificate import Certificate, TrainedVersion
from .findings import Counts, Plan
from .subject import Subject


@dataclass(frozen=True)
class Forgetting:
    """The result of a `forget`, or of its dry run.

    Attributes:
        counts: how much is erased.
        certificate: the certificate; None for a dry run.
    """

    counts: Counts
    certificate: Certificate | None = None


def person_key(settings: Settings) -> str:
    """Return the key of the cards' hashes; never make a new one, which would match no person.

    Raises:
        SettingsError: the key's file does not exist or contains no key, or the inbox or the work
            folder does not exist.
    """
    _existing(settings.reached())
    return pseudonyms.read(settings.person_key_file)


def forget(
    settings: Settings,
    subject: Subject,
    further_roots: Sequence[str] = (),
    dry_run: bool = False,
    now: bool = False,
) -> Forgetting:
    """Erase a subject everywhere, and ensure that no later batch adds it again.

    Args:
        settings: name the inbox, the cache and the work folder.
        subject: the subject to forget.
        further_roots: roots of pipelines' artifacts, in addition to the work folder's.
        dry_run: only count what would be erased; nothing is written.
        now: replace the champion with a version that was not trained on the subject.

    Raises:
        NothingFound: a person is in no upload and in nothing that runs have kept.
        SettingsError: the inbox or the work folder does not exist, or the tombstones have another
            key.
        RunError: a run is using the work folder; or all is erased, but no version can replace the
            champion.
    """
    settings = settings.reached()
    inbox = _existing(settings)
    key = person_key(settings)
    tombstones.require_key(before := tombstones.read(inbox), key)
    folder = WorkFolder(settings.work_dir)
    with contextlib.nullcontext() if dry_run and not folder.was_used() else folder.held():
        plan = Plan.of(settings, subject, further_roots, key)
        if plan.is_empty() and subject.person and not subject.forgotten().persons <= before.persons:
            raise NothingFound(
                "this card is in no batch, and in nothing that runs have kept: nothing was erased "
                "and no tombstone was written; write the number as in the tables, and check "
                "data.inbox, data.path and --work-dir"
            )
        if dry_run:
            return Forgetting(plan.counts())
        return _carried_out(settings, subject, plan, key, now)


def _existing(settings: Settings) -> str:
    """Return the inbox; check that it and the work folder exist: a mistyped one would be empty."""
    inbox = settings.data.inbox
    if not inbox:
        raise SettingsError(
            "data.inbox: not set; tombstones are kept there, so that no later batch adds again "
            "what is forgotten"
        )
    if not store.exists(inbox):
        raise SettingsError(
            f"data.inbox: {addresses.plain(inbox)}: this folder does not exist; nothing was "
            "searched"
        )
    if not Path(settings.work_dir).is_dir():
        raise SettingsError(
            f"work_dir: {settings.work_dir}: this folder does not exist; set --work-dir to the "
            "work folder of the runs"
        )
    return inbox


def _carried_out(
    settings: Settings, subject: Subject, plan: Plan, key: str, now: bool
) -> Forgetting:
    folder, counts = WorkFolder(settings.work_dir), plan.counts()
    planned = Certificate(
        forgotten=subject.kind,
        subject=certificate.subject_hash(subject.person, key),
        key=pseudonyms.fingerprint(key),
        begun=certificate.now(),
        searched=tuple(hide_credentials(place) for place in plan.searched),
        erased=counts.erased(),
        batches=tuple(sorted(plan.batches())),
    )
    file, record = certificate.begin(folder.path / certificate.FOLDER, planned)
    registry, versions, failed = _versions(settings, record)
    record = dataclasses.replace(
        record, unread=(*counts.unread, *failed), versions=versions or record.versions
    )
    subject.write_tombstone(settings.data.inbox or "")
    certificate.write(file, record, key)
    plan.carry_out(settings, folder)
    _audit(folder, subject, counts)
    if not failed:  # otherwise the next call resumes this certificate
        record = dataclasses.replace(record, ended=certificate.now())
    certificate.write(file, record, key)
    if now and registry is not None:
        record = _rolled_back(record, registry)
        certificate.write(file, record, key)
    return Forgetting(dataclasses.replace(counts, unread=record.unread), record)


def _versions(
    settings: Settings, record: Certificate
) -> tuple[ModelRegistry | None, tuple[TrainedVersion, ...], tuple[str, ...]]:
    """Return the registry, its versions trained on the subject, and why they are unknown if so."""
    try:
        registry = trained_versions.registry_of(settings)
        trained = trained_versions.trained_on(registry, frozenset(record.batches))
    except RunError as error:  # the registry keeps no photos: they are erased in any case
        unknown = f"registry.uri: the versions trained on the subject are not known: {error}"
        return None, (), (unknown,)
    found = (
        TrainedVersion(
            version=each.version,
            published=each.created.isoformat(timespec="seconds"),
            fate=trained_versions.fate(each),
        )
        for each in trained
    )
    return registry, tuple(found), ()


def _rolled_back(record: Certificate, registry: ModelRegistry) -> Certificate:
    """Replace the champion, and record that as the fate of the former champion."""
    trained = {each.version for each in record.versions}
    former = registry.champion()
    champion = trained_versions.roll_back(registry, trained)
    if champion is None or former is None:
        return record
    fate = f"was rolled back to version {champion.version} on {certificate.now()}"
    return dataclasses.replace(
        record,
        versions=tuple(
            dataclasses.replace(each, fate=fate) if each.version == former.version else each
            for each in record.versions
        ),
    )


def _audit(folder: WorkFolder, subject: Subject, counts: Counts) -> None:
    """Append a line to the audit file that does not identify the person."""
    line = {
        "at": certificate.now(),
        "forgotten": subject.kind,
        **counts.erased(),
        "unread": counts.unread,
    }
    with folder.audit.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(line)}\n")
