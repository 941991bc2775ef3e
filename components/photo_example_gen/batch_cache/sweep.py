"""Deletes unused files from a batch cache; docs/storage.md describes the rule.

A run first writes a note with the batches that it uses, and then reads them. A sweep first removes
the manifest of a batch, and then reads the notes. So either the run finds no batch and ingests it,
or the sweep finds the note and restores the manifest. In no order of events does a sweep delete a
batch that a run has found. The clock of this machine only decides when the next sweep is due.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from customer_age.files import Entry, addresses, leftovers, store

from . import uses
from .cache import MANIFEST, BatchCache, attempt_of, is_ours

_DIGESTS = "_digests"
"""The folder of `files.content_digests`; deleted digests are computed again."""

DAY = 24 * 3600.0
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """The times of the rule, in seconds.

    Attributes:
        unused: how long a batch is kept after its last use.
        quiet: how long an attempt that does not count is kept after its last write.
        between: the shortest time between two sweeps.
    """

    unused: float = 30 * DAY
    quiet: float = DAY
    between: float = DAY


@dataclass(frozen=True)
class Swept:
    """The number of deletions.

    Attributes:
        batches: unused batches.
        attempts: attempts of killed runs.
        files: other files: unfinished files, notes, and digests.
    """

    batches: int = 0
    attempts: int = 0
    files: int = 0


def sweep(cache_uri: str, limits: Limits = Limits()) -> Swept:
    """Delete unused files, unless the last sweep was recent. Errors of the store are only logged.

    Args:
        cache_uri: a path or an address.
        limits: the times that define unused and recent.

    Returns:
        The number of deletions.
    """
    try:
        if abs(time.time() - uses.swept_ns(cache_uri) / 1e9) < limits.between:
            return Swept()
        swept = _Sweep(cache_uri, limits).carry_out()
    except (OSError, ValueError) as error:
        _log.warning("The batch cache %s was not swept: %s", addresses.plain(cache_uri), error)
        return Swept()
    if swept != Swept():
        _log.info("%s: swept %s", addresses.plain(cache_uri), swept)
    return swept


@dataclass
class _Kept:
    """The content of a cache under one key; times in nanoseconds since 1970.

    Attributes:
        made_ns: the manifest's time; 0 if there is no manifest.
        written_ns: the last write to each attempt.
    """

    made_ns: int = 0
    written_ns: dict[str, int] = field(default_factory=dict)


class _Sweep:
    """One sweep of one cache."""

    def __init__(self, cache_uri: str, limits: Limits) -> None:
        self._cache = BatchCache(cache_uri)
        now_ns = uses.mark_swept(self._cache.uri)
        self._unused_ns = now_ns - int(limits.unused * 1e9)
        self._quiet_ns = now_ns - int(limits.quiet * 1e9)
        self._uses = uses.Uses(self._cache.uri)
        self._kept: dict[str, _Kept] = {}
        self._files: list[str] = []

    def carry_out(self) -> Swept:
        self._list()
        self._uses.read_on()
        unused = [key for key, kept in self._kept.items() if self._is_unused(key, kept)]
        manifests = dict(zip(unused, self._each(self._remove_manifest, unused), strict=True))
        self._uses.read_on()
        gone = {key for key in unused if self._uses.last_ns.get(key, 0) < self._unused_ns}
        kept = [(key, manifests[key]) for key in unused if key not in gone]
        self._each(self._restore_manifest, kept)
        quiet = [each for key in self._kept for each in self._quiet(key)]
        self._each(self._delete, [each for each in quiet if each[0] in gone])
        left = self._left([each for each in quiet if each[0] not in gone])
        self._each(self._delete, left)
        files = [*self._files, *self._needless_notes()]
        self._each(store.delete, files)
        leftovers.delete_empty_folders(self._cache.uri, self._quiet_ns, is_ours)
        return Swept(len(gone), len(left), len(files))

    def _list(self) -> None:
        """List the files of the cache."""
        for file in store.list(self._cache.uri):
            folder, _, name = file.name.partition("/")
            if attempt_of(file.name)[1]:
                self._see(file)
            elif name == MANIFEST and is_ours(folder):
                self._kept.setdefault(folder, _Kept()).made_ns = file.modified_ns
            elif (
                folder == _DIGESTS
                and is_ours(name.removesuffix(".json"))
                and file.modified_ns < self._unused_ns
            ):
                self._files.append(self._address(file.name))
        for file in leftovers.unfinished(self._cache.uri):
            if attempt_of(file.name)[1]:
                self._see(file)
            elif file.modified_ns < self._quiet_ns and _in_folder_of_ours(file.name):
                self._files.append(self._address(file.name))

    def _see(self, file: Entry) -> None:
        key, attempt = attempt_of(file.name)
        written_ns = self._kept.setdefault(key, _Kept()).written_ns
        written_ns[attempt] = max(written_ns.get(attempt, 0), file.modified_ns)

    def _quiet(self, key: str) -> Iterator[tuple[str, str]]:
        """Yield the attempts of a batch without recent writes."""
        for attempt, written_ns in self._kept[key].written_ns.items():
            if written_ns < self._quiet_ns:
                yield key, attempt

    def _surely_counts(self, key: str, attempt: str) -> bool:
        """Whether an attempt counts for sure, so that its manifest need not be read."""
        kept = self._kept[key]
        return len(kept.written_ns) == 1 and kept.written_ns[attempt] <= kept.made_ns

    def _is_unused(self, key: str, kept: _Kept) -> bool:
        used_ns = max(kept.made_ns, self._uses.last_ns.get(key, 0))
        return kept.made_ns > 0 and used_ns < self._unused_ns

    def _remove_manifest(self, key: str) -> bytes:
        """Remove a batch's manifest, so that the batch does not count; return its content."""
        manifest = self._address(key, MANIFEST)
        with contextlib.suppress(FileNotFoundError):
            content = store.read(manifest)
            store.delete(manifest)
            return content
        return b""

    def _restore_manifest(self, kept: tuple[str, bytes]) -> None:
        """Write back the manifest of a batch that a run has found in the meantime."""
        key, manifest = kept
        if manifest:
            with contextlib.suppress(FileExistsError):  # a run that did not find it ingested it
                store.write_whole(self._address(key, MANIFEST), manifest, new=True)

    def _delete(self, attempt: tuple[str, str]) -> None:
        store.delete(self._address(*attempt), folder=True)

    def _left(self, quiet: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the attempts of killed runs, among the attempts without recent writes."""
        doubtful = [each for each in quiet if not self._surely_counts(*each)]
        counting = self._each(self._cache.counting, [key for key, _ in doubtful])
        # At this point, each run that found an attempt before it stopped counting has a note.
        self._uses.read_on()
        return [
            (key, name)
            for (key, name), counts in zip(doubtful, counting, strict=True)
            if name != counts and self._is_out_of_use(key, counts)
        ]

    def _is_out_of_use(self, key: str, counts: str) -> bool:
        """Whether no run can use a batch's attempts, other than the one that counts, if any."""
        made_ns = self._kept[key].written_ns.get(counts)
        last_ns = self._uses.last_ns.get(key, 0) if made_ns is None else made_ns
        return last_ns < self._quiet_ns

    def _needless_notes(self) -> list[str]:
        old = {note for note, at in self._uses.notes.items() if at < self._unused_ns}
        return sorted(old | set(self._uses.needless))

    def _address(self, *names: str) -> str:
        return addresses.join(self._cache.uri, *names)

    def _each(self, act: Callable[..., _T], things: Iterable[object]) -> list[_T]:
        with ThreadPoolExecutor(addresses.at_once(self._cache.uri)) as pool:
            return list(pool.map(act, things))


def _in_folder_of_ours(name: str) -> bool:
    folder, _, file = name.partition("/")
    return "/" not in file and (is_ours(folder) or folder in (_DIGESTS, uses.FOLDER))
