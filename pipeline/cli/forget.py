"""`customer-age forget`."""

import os
import sys
from datetime import datetime, timezone

import click

from customer_age.errors import RunError

from ..running import log
from ..settings import loading
from . import options


@click.command(short_help="Erase a person's photos, or old ones, for good.")
@click.argument("card", required=False)
@click.option("--older-than", metavar="SPAN", help="Photos taken before: 2y, 18m or 90d ago.")
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
@click.option(
    "--now",
    is_flag=True,
    help="Put a version in the champion's place that has not learnt from what is forgotten.",
)
@click.option(
    "--artifacts",
    multiple=True,
    metavar="URI",
    help="A further pipeline root to erase from, such as a cluster's; may be repeated.",
)
@click.option("--inbox", metavar="DIR", help="Folder of batches; holds the tombstones.")
@click.option("--data", metavar="DIR", help="The base set, if it may hold such photos too.")
@options.settings
def forget(
    card: str | None,
    older_than: str | None,
    dry_run: bool,
    now: bool,
    artifacts: tuple[str, ...],
    inbox: str | None,
    data: str | None,
    work_dir: str | None,
    config: str,
    overrides: tuple[str, ...],
) -> None:
    """Erase what there is of a loyalty CARD: photos, rows and profiles, cached and kept examples.

    A tombstone in the inbox sees to it that no later batch brings the person back. Models that
    learnt from the person stay until the next retraining replaces them, or --now does. What was
    done, and which versions had learnt from the person, a signed certificate in the work folder
    says.

    CARD is the number as the tables have it; - reads it from standard input, where no history
    and no list of processes shows it.
    """
    if (card is None) == (older_than is None):
        raise click.UsageError("give either a CARD, or --older-than SPAN")
    settings = loading.load(
        config, overrides, data__inbox=inbox, data__path=data, work_dir=work_dir
    )
    from ..forgetting.subject import Card, OlderThan, Subject, day_before

    oldest = older_than and day_before(older_than, datetime.now(timezone.utc).date())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # nothing is computed here
    log.quiet_libraries()
    with log.kept_to_log_level():
        from ..forgetting import erasure

    subject: Subject
    if oldest:
        subject = OlderThan(oldest)
    else:
        subject = Card(_number(card or ""), erasure.person_key(settings))
    done = erasure.forget(settings, subject, artifacts, dry_run, now)
    counts = done.counts
    click.echo(
        f"{'would be erased' if dry_run else 'erased'}: {counts.photos:,} photos and "
        f"{counts.rows:,} rows of uploads; {counts.examples:,} examples, and with them "
        f"{counts.cached_batches:,} cached batches and {counts.artifacts:,} artifacts of runs; "
        f"names in {counts.texts:,} reports, logs and rows of the ledger"
    )
    if done.certificate is not None:
        click.echo(f"certificate: {done.certificate.line()}")
    if counts.unread:
        raise RunError(
            "\n".join(counts.unread) + "\nwhat these hold was not looked at, photos perhaps: mend "
            "or delete them, and call forget again"
        )
    if not dry_run:
        click.echo("the next retraining learns without them")


def _number(card: str) -> str:
    """The card's number, which no message repeats."""
    number = (sys.stdin.readline() if card == "-" else card).strip()
    if not number:
        raise click.UsageError("the card's number is empty")
    return number
