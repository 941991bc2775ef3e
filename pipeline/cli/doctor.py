"""`customer-age doctor`."""

import sys

import click

from ..settings import loading
from . import options

_EXIT_CODES = """
Exit codes: 0 a run would find all that it needs, 1 it would not, 2 wrong settings or usage.
"""


@click.command(epilog=_EXIT_CODES, short_help="Whether this machine can run what the settings ask.")
@click.option("--weights", metavar="WEIGHTS", help="imagenet, champion, none, or a weights file.")
@options.settings
def doctor(
    weights: str | None, work_dir: str | None, config: str, overrides: tuple[str, ...]
) -> None:
    """Look at this machine, and at what the settings name, before a run does.

    A line each: ✓ as it should be; ✗ a run would fail on it, and what to do; a dash: not there, and
    not needed. Nothing is made, written or published.
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
