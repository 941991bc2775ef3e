"""What a registry service has to offer; one class for each service."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path

from .registry import ModelVersion, Publication


class VersionStore(ABC):
    """Versions with tags and files, and one alias. It decides nothing: `ChampionRegistry` does."""

    @abstractmethod
    def exclusive(self) -> AbstractContextManager[None]:
        """Keep other publishers out, where the service can; at least clear away dead ones' work."""

    @abstractmethod
    def versions(self) -> list[ModelVersion]:
        """Every version whose files are complete, oldest first."""

    @abstractmethod
    def champion(self) -> str | None:
        """The version that the alias points at."""

    def require_ready(self) -> None:
        """See that a version could be added, without adding one; at least, that it answers.

        Raises:
            SettingsError: none could.
        """
        self.champion()

    @abstractmethod
    def set_champion(self, version: str) -> None:
        """Point the alias at a version, in one step."""

    @abstractmethod
    def add(self, publication: Publication) -> None:
        """Upload the files, then make the version with all its tags, in one step."""

    @abstractmethod
    def remove(self, version: str) -> None:
        """Delete a version, which may be gone already."""

    @abstractmethod
    def set_tag(self, version: str, name: str, value: str) -> None:
        """Put a tag on a version, over the one of that name."""

    @abstractmethod
    def delete_tag(self, version: str, name: str) -> None:
        """Take a tag from a version, which may not have it."""

    @abstractmethod
    def download(self, version: str, folder: Path) -> None:
        """Put a version's SavedModel into an empty folder."""
