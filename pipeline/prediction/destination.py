"""Where `score` writes: a folder of files, or one file."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from customer_age.errors import RunError, SettingsError
from customer_age.files import DataAway, addresses, store

from . import shard_files


@dataclass(frozen=True)
class Destination:
    """A place for predictions.

    Attributes:
        output: a path or an address, as it was given.
        file_format: `parquet` or `csv`.
        is_file: whether all rows go into one file of that name.
    """

    output: str
    file_format: str
    is_file: bool

    @property
    def folder(self) -> str:
        """Where the workers' files go; for one file, a hidden folder beside it, for the time."""
        if not self.is_file:
            return self.output
        parent, slash, name = addresses.plain(self.output).rpartition("/")
        hidden = f"{parent}{slash}.{name}.unfinished"
        return addresses.with_options(hidden, addresses.options(self.output))

    def prepare(self, overwrite: bool) -> None:
        """See that there is nothing yet, and that it can be written.

        Args:
            overwrite: delete what was written here before.

        Raises:
            SettingsError: there are predictions, or no way to write any.
        """
        try:
            found = self._predictions()
            if found and not overwrite:
                output, there = addresses.plain(self.output), addresses.plain(found[0])
                raise SettingsError(
                    f"--output {output}: {there} is there already; choose another place, "
                    "or give --overwrite"
                )
            for each in found:
                store.delete(each)
            if self.is_file:  # of a run that was killed
                store.delete(self.folder, folder=True)
            if not addresses.is_remote(self.folder):
                Path(addresses.local_path(self.folder)).mkdir(parents=True, exist_ok=True)
        except (DataAway, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SettingsError(
                f"--output {addresses.plain(self.output)}: cannot be written ({reason})"
            ) from error

    def finish(self, paths: Sequence[str]) -> None:
        """Put everything where it was asked for.

        Args:
            paths: of the workers' files, in order.

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
    """Read where to write.

    Args:
        output: a path or an address; a file if it is named as one, else a folder.
        file_format: `parquet` or `csv`; None for what the file is named as, Parquet in a folder.
        beam_args: Beam options, of which some say how an object store is reached.

    Raises:
        SettingsError: the file is named as one of the other format.
    """
    named = next(
        (each for each in shard_files.FORMATS if addresses.plain(output).endswith(f".{each}")), None
    )
    if named and file_format and named != file_format:
        raise SettingsError(f"--output {output}: named as {named}, and --format says {file_format}")
    return Destination(
        addresses.reached_by(output if named else output.rstrip("/") or "/", beam_args),
        named or file_format or shard_files.FORMATS[0],
        named is not None,
    )
