"""`customer-age forget`."""

import os
import sys
from datetime import datetime, timezone

import click

from customer_age.errors import RunError

from ..running import log
from ..settings import loading
from . import options


@click.command(short_help="Erase a person's photos, or old photos, for good.")
@click.argument("card", required=False)
@click.option("--older-than", metavar="SPAN", help="Erase photos taken longer ago: 2y, 18m or 90d.")
@click.option("--dry-run", is_flag=True, help="Only show what would be erased.")
@click.option(
    "--now",
    is_flag=True,
    help="Replace the champion at once by a version that was not trained on the erased photos.",
)
@click.option(
    "--artifacts",
    multiple=True,
    metavar="URI",
    help="Another pipeline root to erase from, for example a cluster's; repeatable.",
)
@click.option("--inbox", metavar="DIR", help="Folder of batches; contains the tombstones.")
@click.option("--data", metavar="DIR", help="Base data set, if it may contain such photos.")
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
    """Erase all data of a loyalty CARD: photos, table rows, profiles, cached and stored examples.

    A tombstone in the inbox prevents later batches from adding the person again. Models trained on
    the person stay until the next retraining replaces them, or --now does. A signed certificate in
    the work folder records what was erased, and which versions were trained on the person.

    CARD is the number as in the tables. Use - to read it from standard input, so that neither the
    shell's history nor the list of processes shows it.
    """
    if (card is None) == (older_than is None):
        raise click.UsageError("give either a CARD or --older-than SPAN")
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
            "\n".join(counts.unread) + "\nthese could not be read and may still contain photos: "
            "fix or delete them, then run forget again"
        )
    if not dry_run:
        click.echo("the next retraining trains without them")


def _number(card: str) -> str:
    """Return the card's number; no message may repeat it."""
    number = (sys.stdin.readline() if card == "-" else card).strip()
    if not number:
        raise click.UsageError("the card's number is empty")
    return number
