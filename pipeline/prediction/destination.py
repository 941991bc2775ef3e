"""The destination of `score`: a folder of files, or one file."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from customer_age.errors import RunError, SettingsError
from customer_age.files import DataUnavailable, addresses, store

from . import shard_files


@dataclass(frozen=True)
class Destination:
    """A destination of predictions.

    Attributes:
        output: a path or URL, as the user wrote it.
        file_format: `parquet` or `csv`.
        is_file: whether all rows go into one file with this name.
    """

    output: str
    file_format: str
    is_file: bool

    @property
    def folder(self) -> str:
        """The folder of the workers' files; for one file, a temporary hidden folder next to it."""
        if not self.is_file:
            return self.output
        parent, slash, name = addresses.plain(self.output).rpartition("/")
        hidden = f"{parent}{slash}.{name}.unfinished"
        return addresses.with_options(hidden, addresses.options(self.output))

    def prepare(self, overwrite: bool) -> None:
        """Check that the destination has no predictions and can be written.

        Args:
            overwrite: delete earlier predictions.

        Raises:
            SettingsError: there are predictions, or the destination cannot be written.
        """
        try:
            found = self._predictions()
            if found and not overwrite:
                output, existing = addresses.plain(self.output), addresses.plain(found[0])
                raise SettingsError(
                    f"--output {output}: {existing} already exists; choose another place, "
                    "or add --overwrite"
                )
            for each in found:
                store.delete(each)
            if self.is_file:  # a killed run may have left it
                store.delete(self.folder, folder=True)
            if not addresses.is_remote(self.folder):
                Path(addresses.local_path(self.folder)).mkdir(parents=True, exist_ok=True)
        except (DataUnavailable, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SettingsError(
                f"--output {addresses.plain(self.output)}: cannot be written ({reason})"
            ) from error

    def finish(self, paths: Sequence[str]) -> None:
        """Write all rows to the requested destination.

        Args:
            paths: the workers' files, in order.

        Raises:
            RunError: the disk is full.
        """
        if not self.is_file:
            return
        try:
            shard_files.join(paths, self.output, self.folder)
            store.delete(self.folder, folder=True)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise RunError(f"--output {self.output}: no space left on the disk") from error

    def _predictions(self) -> list[str]:
        if self.is_file:
            return [self.output] if store.exists(self.output) else []
        return sorted(
            addresses.join(self.output, entry.name)
            for entry in store.list(self.output, deep=False)
            if entry.name.startswith("predictions-") and not entry.is_folder
        )


def parse(output: str, file_format: str | None, beam_args: Sequence[str] = ()) -> Destination:
    """Read the destination.

    Args:
        output: a path or URL; a file if its suffix is one of the formats, otherwise a folder.
        file_format: `parquet` or `csv`; None for the file's suffix, or Parquet in a folder.
        beam_args: Beam options, some of which configure access to an object store.

    Raises:
        SettingsError: the file has the suffix of the other format.
    """
    named = next(
        (each for each in shard_files.FORMATS if addresses.plain(output).endswith(f".{each}")), None
    )
    if named and file_format and named != file_format:
        raise SettingsError(f"--output {output}: ends in .{named}, but --format is {file_format}")
    return Destination(
        addresses.reached_by(output if named else output.rstrip("/") or "/", beam_args),
        named or file_format or shard_files.FORMATS[0],
        named is not None,
    )
