"""`customer-age tune`."""

import sys
from pathlib import Path

import click

from customer_age.errors import Interrupted

from ..settings import loading
from . import options

_EXIT_CODES = """
Exit codes: 0 a settings file was written, 1 failed, 2 wrong settings or usage, 4 the data were
refused, 130 interrupted by Ctrl-C, 143 interrupted by SIGTERM. After an interruption, finished
trials are kept, and the same command resumes.
"""


@click.command(epilog=_EXIT_CODES, short_help="Search for better training settings.")
@click.option("--data", metavar="DIR", help="Folder with a label table and its photos.")
@click.option(
    "--weights", metavar="WEIGHTS", help="Initial weights: imagenet, champion, none or a file."
)
@click.option(
    "--minutes",
    type=float,
    metavar="MINUTES",
    help="Time budget of all trials together.  [default: the setting tuner.minutes, 60]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings file to write.  [default: tuned.yaml in the work folder]",
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
    """Search for the best learning rate, weight decay and dropout for these photos.

    Each trial trains a model as a run would; its score is the error on the `valid` split. The
    `test` split is not read. The best trial is written as a settings file, for `customer-age run
    --config FILE`. docs/tuning.md describes the search, also on a cluster.
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
