"""What a trigger works with, and how the settings name it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ..settings.settings import Settings
from . import inbox
from .drift import Champions, open_champions
from .inbox import Inbox
from .ledger.ledger import Ledger, now
from .run_target import Target
from .webhook import Webhook, open_webhook


@dataclass(frozen=True)
class Surroundings:
    """What a trigger works with.

    Attributes:
        settings: of the pipeline.
        inbox: to look at.
        ledger: to write in.
        target: to start runs at.
        champions: to ask for the champion.
        check: raises `SettingsError` where a run with such settings cannot start.
        say: takes a line for whoever watches.
        webhook: to tell, or None.
        clock: tells the time.
        start_seconds: for how long the trigger that starts a run is the only one that may, at a
            target which could make two runs of one id.
    """

    settings: Settings
    inbox: Inbox
    ledger: Ledger
    target: Target
    champions: Champions
    check: Callable[[Settings], object]
    say: Callable[[str], None]
    webhook: Webhook | None = None
    clock: Callable[[], datetime] = now
    start_seconds: float = 300


def surroundings(
    settings: Settings,
    target: Target,
    check: Callable[[Settings], object],
    say: Callable[[str], None],
    start_seconds: float,
) -> Surroundings:
    """What the trigger of a pipeline works with.

    Args:
        settings: of the pipeline.
        target: to start runs at.
        check: raises `SettingsError` where a run with such settings cannot start there.
        say: takes a line for whoever watches.
        start_seconds: see `Surroundings`.

    Raises:
        SettingsError: there is no inbox, or the ledger, the webhook or the registry is named
            wrongly.
    """
    return Surroundings(
        settings=settings,
        inbox=inbox.open_inbox(settings),
        ledger=Ledger(settings.ledger_uri, settings.name),
        target=target,
        champions=open_champions(settings),
        check=check,
        say=say,
        webhook=open_webhook(settings.notify),
        start_seconds=start_seconds,
    )
