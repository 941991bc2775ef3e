"""The interface of a registry service; there is one implementation for each service."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path

from .registry import ModelVersion, Publication


class VersionStore(ABC):
    """Stores versions with tags and files, and one alias. `ChampionRegistry` makes decisions."""

    @abstractmethod
    def exclusive(self) -> AbstractContextManager[None]:
        """Lock out other publishers if the service can; at least delete killed publishers' work."""

    @abstractmethod
    def versions(self) -> list[ModelVersion]:
        """Return every version whose files are complete, oldest first."""

    @abstractmethod
    def champion(self) -> str | None:
        """Return the version to which the alias points, or None."""

    def require_ready(self) -> None:
        """Check that a version could be added, without adding one; at least that it answers.

        Raises:
            SettingsError: no version could be added.
        """
        self.champion()

    @abstractmethod
    def set_champion(self, version: str) -> None:
        """Point the alias to a version, in one step."""

    @abstractmethod
    def add(self, publication: Publication) -> None:
        """Upload the files, then create the version with all its tags, in one step."""

    @abstractmethod
    def remove(self, version: str) -> None:
        """Delete a version if it exists."""

    @abstractmethod
    def set_tag(self, version: str, name: str, value: str) -> None:
        """Set a tag of a version, and replace an old value."""

    @abstractmethod
    def delete_tag(self, version: str, name: str) -> None:
        """Delete a tag of a version if it exists."""

    @abstractmethod
    def download(self, version: str, folder: Path) -> None:
        """Download a version's SavedModel into an empty folder."""
