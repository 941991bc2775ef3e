"""Where `score` writes: a folder of files, or one file."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass

from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from customer_age.errors import RunError, SettingsError
from customer_age.files import addresses, store

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
        parent, slash, name = self.output.rpartition("/")
        return f"{parent}{slash}.{name}.unfinished"

    def prepare(self, overwrite: bool, beam_args: Sequence[str]) -> None:
        """See that there is nothing yet, and that it can be written.

        Args:
            overwrite: delete what was written here before.
            beam_args: Beam options, of which some say how an object store is reached.

        Raises:
            SettingsError: there are predictions, or no way to write any.
        """
        try:
            FileSystems.set_options(PipelineOptions(list(beam_args)))
            found = self._predictions()
            if found and not overwrite:
                raise SettingsError(
                    f"--output {self.output}: {found[0]} is there already; choose another place, "
                    "or give --overwrite"
                )
            if found:
                FileSystems.delete(found)
            if self.is_file and FileSystems.exists(self.folder):  # of a run that was killed
                FileSystems.delete([self.folder])
            store.make_folder(self.folder)
        except (BeamIOError, ValueError, OSError) as error:
            reason = " ".join(str(error).split())[:300]
            raise SettingsError(f"--output {self.output}: cannot be written ({reason})") from error

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
            FileSystems.delete([self.folder])
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise RunError(f"--output {self.output}: no space left on the disk") from error

    def _predictions(self) -> list[str]:
        if self.is_file:
            return [self.output] if FileSystems.exists(self.output) else []
        (found,) = FileSystems.match([addresses.join(self.output, "predictions-*")])
        return [file.path for file in found.metadata_list]


def parse(output: str, file_format: str | None) -> Destination:
    """Read where to write.

    Args:
        output: a path or an address; a file if it is named as one, else a folder.
        file_format: `parquet` or `csv`; None for what the file is named as, Parquet in a folder.

    Raises:
        SettingsError: the file is named as one of the other format.
    """
    named = next((each for each in shard_files.FORMATS if output.endswith(f".{each}")), None)
    if named and file_format and named != file_format:
        raise SettingsError(f"--output {output}: named as {named}, and --format says {file_format}")
    return Destination(
        output if named else output.rstrip("/") or "/",
        named or file_format or shard_files.FORMATS[0],
        named is not None,
    )
