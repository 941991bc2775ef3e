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
"""For how long one trigger alone starts a run on a cluster; a local run holds a lock of its own."""

_EXIT_CODES = """
Exit codes: 0 nothing was due, or a run was started or is running; 1 the look failed, and the next
one goes on where it stopped; 2 wrong settings or usage. Where the run's end was seen, as it is with
--target local: 0 published, 1 failed, 3 the gate or the canary refused the model, 4 the data were
refused.
"""


@click.command(
    cls=TargetCommand,
    targets=plugins.targets,
    local=True,
    epilog=_EXIT_CODES,
    short_help="A run whenever enough new photos have arrived.",
)
@click.option("--once", "mode", flag_value="once", help="Look at the inbox once.")
@click.option("--watch", "mode", flag_value="watch", help="Look again and again, until Ctrl-C.")
@click.option("--status", "mode", flag_value="status", help="Show what became of each batch.")
@click.option(
    "--retry",
    metavar="BATCH|all",
    help="Offer a batch again that was set aside, or all; ends a pause.",
)
@click.option(
    "--every",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=60,
    show_default=True,
    help="With --watch: from the end of a look to the next.",
)
@click.option("--inbox", metavar="DIR", help="Folder or bucket in which batches arrive.")
@click.option("--data", metavar="DIR", help="The base set, which every run learns from.")
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
    """Look at the inbox, and start a run where the settings retraining.* say so.

    A batch is a sub-folder that holds an empty _SUCCESS. Each is learnt from once, whatever dies,
    and however many triggers look at the same time. One whose data are refused again and again is
    set aside: mend it and write its _SUCCESS anew, or offer it again as it is with --retry.
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
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # nothing is computed here but drift
    log.quiet_libraries()
    from ..retraining.trigger import open_trigger

    run_target, check = _open_target(target, settings, target_values)
    start_seconds = 0 if target == "local" else _START_SECONDS
    look = open_trigger(settings, run_target, check, click.echo, start_seconds).look
    if mode == "once":
        sys.exit(look())
    _watch(look, every)


def _watch(look: Callable[[], int], every: float) -> NoReturn:
    """Look again and again; what is wrong at the first look is a mistake, later an outage."""
    started = False
    while True:
        try:
            look()
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
        raise SettingsError(f"--retry {named}: the ledger has no batch of that name; see --status")
    offered = ledger.retry(None if named == "all" else [named])
    if offered:
        click.echo(f"offered again at the next look: {', '.join(offered)}")
    elif named == "all":
        click.echo("no batch is set aside; a pause, if there was one, is over")
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
    """A line on events that wait, and one for each reason of those that will not be sent."""
    return [
        f"notifications: {count:,} {'wait' if not what else f'dropped: {what}'}"
        for what, count in sorted(counts.items())
    ]


def _ledger_lines(batches: Sequence["Batch"], runs: Sequence["Run"]) -> list[str]:
    """A line for each run, then one for each batch."""
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
    """The target of that name, and what checks whether a run with such settings can start."""
    if name == "local":
        from ..retraining.local_target import LocalTarget
        from ..running import preflight
        from ..running.work_folder import WorkFolder

        # The run would refuse it: then a ledger would be made, and a batch's try be lost.
        WorkFolder(settings.work_dir).require_literal_path()
        return LocalTarget(settings.work_dir), preflight.check
    return plugins.targets()[name].open(settings, values)
