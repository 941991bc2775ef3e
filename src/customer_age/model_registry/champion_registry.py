"""Decide which version is the champion, with the same rules for every registry service.

A service needs no transactions for this. Each step below is atomic. If a publisher is killed
between two steps, the champion is the old one or the new one, and publishing again continues from
there.
"""

import logging
import math
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

from customer_age.errors import RunError

from .fingerprint import saved_model_fingerprint
from .registry import (
    BASELINE_VERSION,
    CHAMPION,
    FINGERPRINT,
    FORCED,
    MAE,
    ModelRegistry,
    ModelVersion,
    Publication,
)
from .version_store import VersionStore

PUBLISHED = "published"
"""Tag: when publishing ended. Without it, publishing is still running or was killed."""

CHAMPION_UNTIL = "champion_until"
"""Tag of a former champion: when another version replaced it. Rollback uses their order."""

ROLLED_BACK = "rolled_back"
"""Tag: when someone rolled back from this version to the former champion."""

_log = logging.getLogger(__name__)


class ChampionRegistry(ModelRegistry):
    """A model registry over a service's versions, tags and alias."""

    def __init__(self, name: str, store: VersionStore):
        self._name = name
        self._store = store

    def publish(self, publication: Publication) -> ModelVersion:  # noqa: D102
        with self._store.exclusive():
            before = {each.version: each for each in self.versions()}
            version = self._version_of(publication)
            known = before.get(version.version)
            if known is None or not _settled(known) or self._may_return(known, publication):
                self._set_best_champion(version, publication.baseline_version, before)
                self._store.set_tag(version.version, PUBLISHED, _now())
                _log.info("%s: version %s is published", self._name, version.version)
            return self._version(version.version)

    def require_ready(self) -> None:  # noqa: D102
        self._store.require_ready()

    def champion(self) -> ModelVersion | None:  # noqa: D102
        champion = self._store.champion()
        return next((each for each in self.versions() if each.version == champion), None)

    def versions(self) -> list[ModelVersion]:  # noqa: D102
        return self._store.versions()

    def version(self, name: str) -> ModelVersion:  # noqa: D102
        if name == CHAMPION:
            name = self._require_champion()
        return self._version(name)

    def promote(self, version: str, force: str = "") -> ModelVersion:  # noqa: D102
        if not self._version(version).blessed and not force.strip():
            raise RunError(
                f"{self._name}: version {version} was never blessed, so it is not promoted; to "
                "promote it in any case, give the reason (--force REASON)"
            )
        with self._store.exclusive():
            if not self._version(version).blessed:
                self._store.set_tag(version, FORCED, " ".join(force.split()))
            champion = self._store.champion()
            if champion is not None and champion != version:
                self._store.set_tag(champion, CHAMPION_UNTIL, self._until())
            self._store.delete_tag(version, ROLLED_BACK)
            self._store.set_champion(version)
            self._store.delete_tag(version, CHAMPION_UNTIL)
            return self._version(version)

    def rollback(self) -> ModelVersion:  # noqa: D102
        self._require_champion()
        with self._store.exclusive():
            champion = self._require_champion()
            former = {
                each.tags[CHAMPION_UNTIL]: each.version
                for each in self.versions()
                if CHAMPION_UNTIL in each.tags and each.version != champion
            }
            if not former:
                raise RunError(
                    f"{self._name}: version {champion} is the champion, and there is no former "
                    "champion to roll back to"
                )
            last = former[max(former)]
            self._store.set_tag(champion, ROLLED_BACK, _now())
            self._store.set_champion(last)
            self._store.delete_tag(last, CHAMPION_UNTIL)
            return self._version(last)

    def annotate(self, version: str, name: str, value: str) -> None:  # noqa: D102
        self._store.set_tag(self._version(version).version, name, value)

    def download(self, version: str, folder: Path) -> Path:  # noqa: D102
        published = self._version(version).tags.get(FINGERPRINT)
        folder.mkdir(parents=True, exist_ok=True)
        self._store.download(version, folder)
        try:
            downloaded = saved_model_fingerprint(folder)
        except OSError as error:
            reason = error.strerror or error
            raise RunError(f"{self._name}: the files of version {version}: {reason}") from error
        if published not in (None, downloaded):
            raise RunError(
                f"{self._name}: the files of version {version} differ from the published files; "
                "roll back, or delete the version and publish its model again"
            )
        return folder

    def _version_of(self, publication: Publication) -> ModelVersion:
        """Return the one version of a model: the existing one, or a new one."""
        if not self._same(publication):
            self._store.add(publication)
        same = self._same(publication)
        if not same:
            raise RunError(f"{self._name}: the new version was deleted meanwhile; run again")
        first, *twins = same
        for twin in twins:  # from a parallel or a killed publisher of the same model
            self._store.remove(twin.version)
        return first

    def _same(self, publication: Publication) -> list[ModelVersion]:
        return [
            each
            for each in self.versions()
            if each.tags.get(FINGERPRINT) == publication.fingerprint
        ]

    def _may_return(self, version: ModelVersion, publication: Publication) -> bool:
        """Return whether a version that was published before may become champion again.

        Only if it was evaluated against the current champion, and was not rolled back.
        """
        champion = self._store.champion() or ""
        return (
            ROLLED_BACK not in version.tags
            and publication.baseline_version == champion != version.version
        )

    def _set_best_champion(
        self, version: ModelVersion, baseline: str, before: Mapping[str, ModelVersion]
    ) -> None:
        """Replace the champion that a version was evaluated against.

        If another version was evaluated against the same champion, or became champion meanwhile,
        the version with the lower MAE wins. Two publishers may both set the alias. Each checks
        again afterwards, so the last one sees both versions and corrects the alias.

        Args:
            version: the version just published.
            baseline: the champion that it was evaluated against.
            before: the versions at the start of publishing.
        """
        while True:
            champion = self._store.champion()
            rivals = (
                each
                for each in self.versions()
                if each.version == version.version
                or each.version == champion != baseline
                or _contends(each, baseline, before.get(each.version))
            )
            best = min(rivals, key=lambda each: each.metrics.get(MAE, math.inf))
            if best.version == champion:
                return
            former = before.get(champion) if champion is not None else None
            if former is not None and (_settled(former) or champion == baseline):
                self._store.set_tag(former.version, CHAMPION_UNTIL, self._until())
            self._store.set_champion(best.version)
            self._store.delete_tag(best.version, CHAMPION_UNTIL)
            _log.info("%s: version %s is the champion", self._name, best.version)

    def _until(self) -> str:
        """Return the time now, or a later one if the clock was set back since a former champion."""
        now = datetime.now(timezone.utc)
        for version in self.versions():
            if CHAMPION_UNTIL in version.tags:
                before = datetime.fromisoformat(version.tags[CHAMPION_UNTIL])
                now = max(now, before + timedelta(microseconds=1))
        return now.isoformat(timespec="microseconds")

    def _require_champion(self) -> str:
        champion = self._store.champion()
        if champion is None:
            raise RunError(f"{self._name}: there is no champion")
        return champion

    def _version(self, version: str) -> ModelVersion:
        versions = {each.version: each for each in self.versions()}
        if version not in versions:
            there = ", ".join(versions) or "none"
            raise RunError(f"{self._name}: there is no version {version} (there are: {there})")
        return versions[version]


def _settled(version: ModelVersion) -> bool:
    """Return whether a version was or is champion, or has lost to another one."""
    return bool({PUBLISHED, CHAMPION_UNTIL, ROLLED_BACK} & version.tags.keys())


def _contends(version: ModelVersion, baseline: str, before: ModelVersion | None) -> bool:
    """Return whether a version was published in parallel with ours and was not yet replaced.

    Args:
        version: as it is now.
        baseline: the champion that ours was evaluated against.
        before: the version as it was when our publisher started; None if it did not exist.
    """
    if {CHAMPION_UNTIL, ROLLED_BACK} & version.tags.keys():
        return False
    if before is None:
        return True
    return not _settled(before) and version.tags.get(BASELINE_VERSION) == baseline


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")
