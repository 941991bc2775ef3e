"""`customer-age predict`."""

import sys

import click

from ..prediction import model_version
from ..settings import loading
from . import options

_HELP = f"""Guess the ages of people in photos, in years, with a published model.

\b
PHOTO   a photo, whose row tells if it cannot be read
FOLDER  every file with a picture's suffix in it and its sub-folders;
        others are counted, hidden ones are not looked at
GLOB    what a shell would make of it, in quotes: 'photos/*.jpg'
TABLE   .csv, .tsv or .parquet with a column file_name; the photos
        lie in its folder, or in final_files/ there

Rows come in the order of the photos: file_name, age, age_group, and where there is no age its
reason and detail; CSV and JSON lines also name the model's version.
{model_version.UNFIT}"""

_EXIT_CODES = """
Exit codes: 0 an age for every photo, 1 failed, or a photo without an age (all others have theirs),
2 wrong settings or usage.
"""


@click.command(help=_HELP, epilog=_EXIT_CODES, short_help="Photos in, ages out.")
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO|FOLDER|GLOB|TABLE...")
@options.prediction
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["table", "csv", "jsonl"]),
    help="By default a table on a terminal, and CSV in a pipe or a file.",
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
    """Guess ages; see `_HELP`."""
    settings = loading.load(config, overrides, work_dir=work_dir)
    bands = model_version.groups(settings, groups)
    from ..prediction.predict import PredictRequest, run

    request = PredictRequest(photos, version, bands, file_format)
    sys.exit(run(settings, request))
