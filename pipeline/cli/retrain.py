"""`customer-age retrain`."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import click

from customer_age.errors import RunError, SettingsError
from customer_age.kubeflow.cli import cluster_options
from customer_age.kubeflow.compiling import target_support

from ..retraining.run_target import Target
from ..running import log
from ..settings import settings as settings_files
from ..settings.settings import Settings
from . import options

_TARGETS = ("local", *target_support.TARGETS)

_START_SECONDS = 300
"""For how long one trigger alone starts a run on a cluster; a local run holds a lock of its own."""

_EXIT_CODES = """
Exit codes: 0 nothing was due, or a run was started or is running; 1 the look failed, and the next
one goes on where it stopped; 2 wrong settings or usage. Where the run's end was seen, as it is with
--target local: 0 published, 1 failed, 3 the gate or the canary refused the model, 4 the data were
refused.
"""


@click.command(epilog=_EXIT_CODES, short_help="A run whenever enough new photos have arrived.")
@click.option("--once", "mode", flag_value="once", help="Look at the inbox once.")
@click.option("--watch", "mode", flag_value="watch", help="Look again and again, until Ctrl-C.")
@click.option("--status", "mode", flag_value="status", help="Show what became of each batch.")
@click.option(
    "--every",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=60,
    show_default=True,
    help="With --watch: from the end of a look to the next.",
)
@click.option(
    "--target",
    type=click.Choice(_TARGETS),
    default="local",
    show_default=True,
    help="Where runs run.",
)
@click.option("--inbox", metavar="DIR", help="Folder or bucket in which batches arrive.")
@click.option("--data", metavar="DIR", help="The base set, which every run learns from.")
@cluster_options.options
@options.settings
def retrain(
    mode: str | None,
    every: float,
    target: str,
    inbox: str | None,
    data: str | None,
    work_dir: str | None,
    config: str,
    overrides: tuple[str, ...],
    **at: Any,
) -> None:
    """Look at the inbox, and start a run where the settings retraining.* say so.

    A batch is a sub-folder that holds an empty _SUCCESS. Each is learnt from once, whatever dies,
    and however many triggers look at the same time. One with which runs keep failing is set aside;
    write its _SUCCESS anew to offer it again.
    """
    if mode is None:
        raise click.UsageError("say --once, --watch or --status")
    cluster_options.check_usage(target)
    settings = settings_files.load(
        config, overrides, data__inbox=inbox, data__path=data, work_dir=work_dir
    )
    if mode == "status":
        _show(settings)
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # nothing is computed here but drift
    log.quiet_libraries()
    from ..retraining.surroundings import surroundings
    from ..retraining.trigger import Trigger

    runs, check = _target(target, settings, at)
    start_seconds = 0 if target == "local" else _START_SECONDS
    look = Trigger(surroundings(settings, runs, check, click.echo, start_seconds)).look
    if mode == "once":
        sys.exit(look())
    while True:
        try:
            look()
        except SettingsError:
            raise
        except RunError as error:
            click.echo(f"customer-age: {error}", err=True)
        time.sleep(every)


def _show(settings: Settings) -> None:
    from ..retraining.ledger.ledger import Ledger
    from . import status

    ledger = Ledger(settings.ledger_uri, settings.name)
    for line in status.describe(ledger.batches(), ledger.runs()):
        click.echo(line)


def _target(
    name: str, settings: Settings, at: Mapping[str, Any]
) -> tuple[Target, Callable[[Settings], object]]:
    """Where runs run, and what says whether one with such settings can start there."""
    if name == "local":
        from ..retraining.local_target import LocalTarget
        from ..running import preflight

        return LocalTarget(settings.work_dir), preflight.check
    from customer_age.kubeflow.submission import targets
    from customer_age.kubeflow.submission.plan import plan

    cluster = cast(target_support.Target, name)
    place = cluster_options.place(cluster, settings, **at)
    return targets.target_at(place, settings), lambda of_run: plan(of_run, cluster)
