"""`customer-age run`."""

import sys

import click

from customer_age.errors import Interrupted

from ..settings import loading
from . import options

_EXIT_CODES = """
Exit codes: 0 published, 1 failed, 2 wrong settings or usage, 3 the gate or the canary refused the
model, 4 the data were refused, 130 interrupted by Ctrl-C, 143 interrupted by SIGTERM.
"""


@click.command(epilog=_EXIT_CODES, short_help="Run the whole pipeline on this machine.")
@click.option("--data", metavar="DIR", help="Folder with a label table and its photos.")
@click.option(
    "--weights", metavar="WEIGHTS", help="Initial weights: imagenet, champion, none or a file."
)
@options.settings
def run(
    data: str | None,
    weights: str | None,
    work_dir: str | None,
    config: str,
    overrides: tuple[str, ...],
) -> None:
    """Run the whole pipeline on this machine: from photos to a published model.

    Components whose inputs have not changed since the last run in the same work folder do not run
    again: their cached outputs are used.
    """
    from ..running import ending, local

    settings = loading.load(
        config, overrides, data__path=data, trainer__weights=weights, work_dir=work_dir
    )
    outcome = local.run(settings)
    sentence, report = outcome.lines()
    click.echo(sentence, err=outcome.exit_code != 0)
    click.echo(report)
    if isinstance(outcome.error, Interrupted):
        ending.end(outcome.exit_code)
    sys.exit(outcome.exit_code)
