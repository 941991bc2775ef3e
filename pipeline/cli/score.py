"""`customer-age score`."""

import sys

import click

from ..prediction import model_version
from ..settings import loading
from . import options

_HELP = f"""Predict the ages of people in millions of photos with a published model, on Beam.

DATA is the same as for `predict`: photos, folders, globs, and tables with a column file_name; also
the URI of a folder or a table in an object store. In a folder, files without an image suffix are
counted and skipped.

An output folder gets sharded files (predictions-00000-of-00012.parquet). They contain a row for
each photo, in the order of the photos: file_name, age, age_group, reason, detail, version. If there
is no age, reason and detail explain why. The settings beam.* configure Beam; set its runner, for
example Dataflow or Flink, in beam.args (docs/beam.md).
{model_version.UNFIT}"""

_EXIT_CODES = """
Exit codes: 0 every photo has a row, 1 failed, 2 wrong settings or usage, 4 more photos have no age
than data.max_refused_share allows (the rows are still written).
"""


@click.command(
    help=_HELP, epilog=_EXIT_CODES, short_help="Predict ages for millions of photos with Beam."
)
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@click.option(
    "--output",
    required=True,
    metavar="DIR|FILE",
    help="Path or URI: a file if it ends with .parquet or .csv, otherwise a folder.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["parquet", "csv"]),
    help="Format of the files in a folder.  [default: parquet]",
)
@click.option("--overwrite", is_flag=True, help="Replace existing predictions.")
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
    """Predict ages; `_HELP` is the help text."""
    settings = loading.load(config, overrides, work_dir=work_dir)
    bands = model_version.groups(settings, groups)
    from ..prediction.score import ScoreRequest, run

    request = ScoreRequest(data, output, file_format, overwrite, version, bands)
    sys.exit(run(settings, request))
