"""`customer-age predict`."""

import sys

import click

from ..prediction import model_version
from ..settings import loading
from . import options

_HELP = f"""Predict the ages (in years) of people in photos with a published model.

\b
PHOTO   a photo; if it cannot be read, its row shows why
FOLDER  all image files in it and its sub-folders (by suffix);
        other files are counted, hidden files are ignored
GLOB    a shell pattern in quotes: 'photos/*.jpg'
TABLE   .csv, .tsv or .parquet with a column file_name; the photos
        are in the table's folder or in its sub-folder final_files/

Prints a row for each photo, in the order of the photos: file_name, age, age_group, and reason and
detail if there is no age. CSV and JSON lines also contain the model's version.
{model_version.UNFIT}"""

_EXIT_CODES = """
Exit codes: 0 every photo has an age, 1 failed or some photos have no age (the others have one),
2 wrong settings or usage.
"""


@click.command(help=_HELP, epilog=_EXIT_CODES, short_help="Predict the ages of people in photos.")
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO|FOLDER|GLOB|TABLE...")
@options.prediction
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["table", "csv", "jsonl"]),
    help="Output format.  [default: table on a terminal, csv in a pipe or a file]",
)
@options.settings
def predict(
    photos: tuple[str, ...],
    version: str | None,
    groups: str | None,
    file_format: str | None,
    work_dir: str | None,
    config: str,
    overrides: tuple[str, ...],
) -> None:
    """Predict ages; `_HELP` is the help text."""
    settings = loading.load(config, overrides, work_dir=work_dir)
    bands = model_version.groups(settings, groups)
    from ..prediction.predict import PredictRequest, run

    request = PredictRequest(photos, version, bands, file_format)
    sys.exit(run(settings, request))
