"""`customer-age tune`."""

import sys
from pathlib import Path

import click

from customer_age.errors import Interrupted

from ..settings import loading
from . import options

_EXIT_CODES = """
Exit codes: 0 a settings file was written, 1 failed, 2 wrong settings or usage, 4 the data were
refused, 130 interrupted by Ctrl-C, 143 by SIGTERM: trials that were finished are kept, and the same
command goes on from there.
"""


@click.command(epilog=_EXIT_CODES, short_help="Search better settings for the training.")
@click.option("--data", metavar="DIR", help="Folder with a label table and its photos.")
@click.option("--weights", metavar="WEIGHTS", help="imagenet, champion, none, or a weights file.")
@click.option(
    "--minutes",
    type=float,
    help="Budget of all trials together; the setting tuner.minutes, 60 by default.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The settings file to write.  [default: tuned.yaml in the work folder]",
)
@options.settings
def tune(
    data: str | None,
    weights: str | None,
    minutes: float | None,
    output: Path | None,
    work_dir: str | None,
    config: str,
    overrides: tuple[str, ...],
) -> None:
    """Search the learning rate, weight decay and dropout that suit these photos.

    Each trial trains as a run would, and counts by its error on the valid photos; test photos are
    not looked at. The best trial becomes a settings file for `customer-age run --config FILE`.
    docs/tuning.md describes what is tried, and tuning on a cluster.
    """
    from ..running import ending, tuning

    settings = loading.load(
        config,
        overrides,
        data__path=data,
        trainer__weights=weights,
        tuner__minutes=minutes,
        work_dir=work_dir,
    )
    outcome = tuning.tune(settings, output)
    for line in outcome.lines():
        click.echo(line, err=outcome.exit_code != 0)
    if isinstance(outcome.error, Interrupted):
        ending.end(outcome.exit_code)
    sys.exit(outcome.exit_code)
