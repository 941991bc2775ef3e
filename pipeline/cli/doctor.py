"""`customer-age doctor`."""

import sys

import click

from ..settings import loading
from . import options

_EXIT_CODES = """
Exit codes: 0 everything that a run needs is available, 1 something is missing, 2 wrong settings or
usage.
"""


@click.command(epilog=_EXIT_CODES, short_help="Check that this machine can run these settings.")
@click.option(
    "--weights", metavar="WEIGHTS", help="Initial weights: imagenet, champion, none or a file."
)
@options.settings
def doctor(
    weights: str | None, work_dir: str | None, config: str, overrides: tuple[str, ...]
) -> None:
    """Check this machine, and what the settings refer to, before a run.

    Prints a line for each check: ✓ passed; ✗ a run would fail, with what to do; a dash: not
    available and not needed. Nothing is created, written or published.
    """
    from ..doctor.checks import run_checks
    from ..doctor.finding import State

    settings = loading.load(config, overrides, work_dir=work_dir, trainer__weights=weights)
    colours = {State.GOOD: "green", State.BAD: "red", State.ABSENT: None}
    failed = 0
    for finding in run_checks(settings):
        failed += finding.state is State.BAD
        mark, _, rest = finding.line().partition(" ")
        click.echo(f"{click.style(mark, fg=colours[finding.state])} {rest}")
    if failed:
        click.echo(f"{failed} of these would stop a run", err=True)
        sys.exit(1)
