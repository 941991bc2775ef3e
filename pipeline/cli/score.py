"""`customer-age score`."""

import sys

import click

from ..prediction import model_version
from ..settings import loading
from . import options

_HELP = f"""Guess the ages of people in millions of photos, with a published model, on Beam.

DATA is what `predict` takes: photos, folders, globs, and tables with a column file_name, or the
address of a folder or a table in an object store. Of a folder, files without a picture's suffix are
counted and left out.

A folder gets files predictions-00000-of-00012.parquet and so on; one after another they hold a
row for each photo, in the order of the photos: file_name, age, age_group, reason, detail, version.
Where there is no age, reason and detail say why. Beam runs as the settings beam.* say; on
Dataflow or Flink where beam.args names its runner (docs/beam.md).
{model_version.UNFIT}"""

_EXIT_CODES = """
Exit codes: 0 every photo has its row, 1 failed, 2 wrong settings or usage, 4 more photos have no
age than data.max_refused_share allows (the rows are written all the same).
"""


@click.command(help=_HELP, epilog=_EXIT_CODES, short_help="Ages of millions of photos, with Beam.")
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@click.option(
    "--output",
    required=True,
    metavar="DIR|FILE",
    help="A file if it is named .parquet or .csv, else a folder; a path or an address.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["parquet", "csv"]),
    help="Of the files in a folder.  [default: parquet]",
)
@click.option("--overwrite", is_flag=True, help="Replace predictions that are there.")
@options.prediction
@options.settings
def score(
    data: tuple[str, ...],
    output: str,
    file_format: str | None,
    overwrite: bool,
    version: str | None,
    groups: str | None,
    work_dir: str | None,
    config: str,
    overrides: tuple[str, ...],
) -> None:
    """Guess ages; see `_HELP`."""
    settings = loading.load(config, overrides, work_dir=work_dir)
    bands = model_version.groups(settings, groups)
    from ..prediction.score import ScoreRequest, run

    request = ScoreRequest(data, output, file_format, overwrite, version, bands)
    sys.exit(run(settings, request))
