"""`customer-age retrain`."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from customer_age.errors import RunError, SettingsError

from ..retraining.run_target import RunTarget
from ..running import log
from ..settings import loading
from ..settings.settings import Settings
from . import options, plugins
from .target_options import Check, TargetCommand

if TYPE_CHECKING:
    from ..retraining.ledger.records import Batch, Run

_START_SECONDS = 300
"""How long one trigger has the right to start a run on a cluster; a local run holds a lock."""

_EXIT_CODES = """
Exit codes: 0 no run was due, or a run was started or is running; 1 the check failed, and the next
one resumes where it stopped; 2 wrong settings or usage. If the run finished, as with --target
local: 0 published, 1 failed, 3 the gate or the canary refused the model, 4 the data were refused.
"""


@click.command(
    cls=TargetCommand,
    targets=plugins.targets,
    local=True,
    epilog=_EXIT_CODES,
    short_help="Start a run when enough new photos have arrived.",
)
@click.option("--once", "mode", flag_value="once", help="Check the inbox once.")
@click.option("--watch", "mode", flag_value="watch", help="Check repeatedly until Ctrl-C.")
@click.option("--status", "mode", flag_value="status", help="Show the state of each batch.")
@click.option(
    "--retry",
    metavar="BATCH|all",
    help="Retry a batch that was set aside, or all; end a pause.",
)
@click.option(
    "--every",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=60,
    show_default=True,
    help="With --watch: wait between two checks.",
)
@click.option("--inbox", metavar="DIR", help="Folder or bucket where batches arrive.")
@click.option("--data", metavar="DIR", help="Base data set; every run trains on it.")
@options.settings
def retrain(
    mode: str | None,
    retry: str | None,
    every: float,
    target: str,
    inbox: str | None,
    data: str | None,
    work_dir: str | None,
    config: str,
    overrides: tuple[str, ...],
    **target_values: Any,
) -> None:
    """Check the inbox, and start a run when the settings retraining.* call for one.

    A batch is a sub-folder with an empty file _SUCCESS. Each batch is processed once, even if a
    process dies or several triggers run at the same time. A batch whose data are refused
    repeatedly is set aside: fix it and write its _SUCCESS again, or retry it unchanged with
    --retry.
    """
    if (mode is None) == (retry is None):
        raise click.UsageError("choose one of --once, --watch, --status and --retry")
    settings = loading.load(
        config, overrides, data__inbox=inbox, data__path=data, work_dir=work_dir
    )
    if mode == "status":
        _show(settings)
        return
    if retry is not None:
        _retry(settings, retry)
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # only drift is computed here
    log.quiet_libraries()
    from ..retraining.trigger import open_trigger

    run_target, check = _open_target(target, settings, target_values)
    start_seconds = 0 if target == "local" else _START_SECONDS
    trigger = open_trigger(settings, run_target, check, click.echo, start_seconds)
    if mode == "once":
        sys.exit(trigger.check_inbox())
    _watch(trigger.check_inbox, every)


def _watch(check_inbox: Callable[[], int], every: float) -> NoReturn:
    """Check repeatedly; wrong settings stop the first check, later ones count as an outage."""
    started = False
    while True:
        try:
            check_inbox()
            started = True
        except RunError as error:
            if not started and isinstance(error, SettingsError):
                raise
            click.echo(f"customer-age: {error}", err=True)
        time.sleep(every)


def _retry(settings: Settings, named: str) -> None:
    from ..retraining.ledger.ledger import Ledger

    ledger = Ledger(settings.ledger_uri, settings.name)
    known = {batch.name: batch.state.value for batch in ledger.batches()}
    if named != "all" and named not in known:
        raise SettingsError(
            f"--retry {named}: the ledger has no batch with that name; see --status"
        )
    offered = ledger.retry(None if named == "all" else [named])
    if offered:
        click.echo(f"to be retried at the next check: {', '.join(offered)}")
    elif named == "all":
        click.echo("no batch is set aside; any pause has ended")
    else:
        click.echo(f"batch {named} is not set aside: it is {known[named].replace('_', ' ')}")


def _show(settings: Settings) -> None:
    from ..retraining import back_off
    from ..retraining.ledger.ledger import Ledger

    ledger = Ledger(settings.ledger_uri, settings.name)
    runs = ledger.runs()
    for line in _ledger_lines(ledger.batches(), runs):
        click.echo(line)
    if (pause := back_off.pause(runs)) is not None:
        click.echo(f"{pause.sentence()}; --retry all ends it at once")
    for line in _outbox_lines(ledger.outbox.counts()):
        click.echo(line)


def _outbox_lines(counts: Mapping[str, int]) -> list[str]:
    """Describe the events that wait in one line, and dropped events in one line for each reason."""
    return [
        f"notifications: {count:,} {'wait' if not what else f'dropped: {what}'}"
        for what, count in sorted(counts.items())
    ]


def _ledger_lines(batches: Sequence["Batch"], runs: Sequence["Run"]) -> list[str]:
    """Describe each run in a line, then each batch."""
    lines = [
        f"run {run.run_id}: {run.state.value}, {', '.join(run.new_batches)}"
        + (f"; {run.reason}" if run.reason else "")
        for run in runs
    ]
    return lines + [
        f"batch {batch.name}: {batch.state.value}, {batch.photos:,} photos"
        + (f", tries {batch.tries}" if batch.tries else "")
        + (f"; {batch.reason}" if batch.reason else "")
        for batch in batches
    ]


def _open_target(
    name: str, settings: Settings, values: Mapping[str, Any]
) -> tuple[RunTarget, Check]:
    """Return the target with this name, and a check that a run with these settings can start."""
    if name == "local":
        from ..retraining.local_target import LocalTarget
        from ..running import preflight
        from ..running.work_folder import WorkFolder

        # The run would refuse the folder later, after a ledger was written and a try was counted.
        WorkFolder(settings.work_dir).require_literal_path()
        return LocalTarget(settings.work_dir), preflight.check
    return plugins.targets()[name].open(settings, values)
