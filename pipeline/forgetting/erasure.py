"""Erases a subject: first a tombstone, then what runs have kept, then photos, and rows at the end.

In this order a killed `forget` can be called again: whatever is left is still found, and from its
first moment on no run learns from what is forgotten.
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
from . import certificate, learnt_versions
from .certificate import Certificate, LearntVersion
from .findings import Counts, Plan
from .subject import Subject


@dataclass(frozen=True)
class Forgetting:
    """What a `forget` did, or would do.

    Attributes:
        counts: of what is erased.
        certificate: of it; None where it is only looked.
    """

    counts: Counts
    certificate: Certificate | None = None


def person_key(settings: Settings) -> str:
    """The key that a card's number is hashed with. None is made: under a new one nobody is known.

    Raises:
        SettingsError: there is no such file, or it holds no key; or there is no inbox or work
            folder.
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
    """Erase a subject everywhere, and see that nothing brings it back.

    Args:
        settings: where the inbox, the cache and the work folder are.
        subject: what is to be forgotten.
        further_roots: of pipelines' artifacts, besides the work folder's.
        dry_run: only count what would be erased; nothing is written.
        now: replace the champion by a version that was not trained on the subject's photos.

    Raises:
        NothingFound: a person is in no upload and in nothing that runs have kept.
        SettingsError: there is no inbox or work folder, or the tombstones are of another key.
        RunError: a run is using the work folder, or, when all is erased, no version can take the
            champion's place.
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
                "and no tombstone written; give the number as the tables have it, and look at "
                "data.inbox, data.path and --work-dir"
            )
        if dry_run:
            return Forgetting(plan.counts())
        return _carried_out(settings, subject, plan, key, now)


def _existing(settings: Settings) -> str:
    """The inbox, which is there, as the work folder is: a mistyped one would hold nothing."""
    inbox = settings.data.inbox
    if not inbox:
        raise SettingsError(
            "data.inbox: not set; tombstones are kept there, so that no later batch brings back "
            "what is forgotten"
        )
    if not store.exists(inbox):
        raise SettingsError(
            f"data.inbox: {addresses.plain(inbox)}: the folder does not exist; nothing was searched"
        )
    if not Path(settings.work_dir).is_dir():
        raise SettingsError(
            f"work_dir: {settings.work_dir}: the folder does not exist; name the one that runs use "
            "with --work-dir"
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
    if not failed:  # else the next call goes on with this one
        record = dataclasses.replace(record, ended=certificate.now())
    certificate.write(file, record, key)
    if now and registry is not None:
        record = _rolled_back(record, registry)
        certificate.write(file, record, key)
    return Forgetting(dataclasses.replace(counts, unread=record.unread), record)


def _versions(
    settings: Settings, record: Certificate
) -> tuple[ModelRegistry | None, tuple[LearntVersion, ...], tuple[str, ...]]:
    """Return the registry, its versions trained on the subject, and why they are not known."""
    try:
        registry = learnt_versions.registry_of(settings)
        learnt = learnt_versions.learnt(registry, frozenset(record.batches))
    except RunError as error:  # it keeps no photo: no reason to leave one where it is
        return (
            None,
            (),
            (f"registry.uri: which versions were trained on the photos is not known: {error}",),
        )
    found = (
        LearntVersion(
            version=each.version,
            published=each.created.isoformat(timespec="seconds"),
            fate=learnt_versions.fate(each),
        )
        for each in learnt
    )
    return registry, tuple(found), ()


def _rolled_back(record: Certificate, registry: ModelRegistry) -> Certificate:
    """Put another champion in its place, and say so of the version that was it."""
    learnt = {each.version for each in record.versions}
    former = registry.champion()
    champion = learnt_versions.roll_back(registry, learnt)
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
    """Keep a line of what was done, without who it was."""
    line = {
        "at": certificate.now(),
        "forgotten": subject.kind,
        **counts.erased(),
        "unread": counts.unread,
    }
    with folder.audit.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(line)}\n")
