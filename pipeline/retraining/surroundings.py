"""What a trigger works with, and how the settings name it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from customer_age.pipeline.retraining import inbox, notifications
from customer_age.pipeline.retraining.champions import Champions, open_champions
from customer_age.pipeline.retraining.inbox import Inbox
from customer_age.pipeline.retraining.ledger import Ledger, now
from customer_age.pipeline.retraining.notifications import Webhook
from customer_age.pipeline.retraining.targets import Target
from customer_age.pipeline.settings import Settings


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
        webhook=notifications.open_webhook(settings.notify),
        start_seconds=start_seconds,
    )
