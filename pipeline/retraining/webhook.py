"""Tells a webhook what happened, as CloudEvents 1.0 in JSON, structured mode.

Events wait in the ledger until they are sent, so a trigger that dies loses none. One that dies
between sending and writing that down sends again: the receiver tells it by the event's `id`.
Whatever the webhook does, nothing here fails a run or keeps it waiting for long.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from customer_age.errors import SettingsError

from ..settings.retraining import NotifySettings, check_address
from .ledger.outbox import Outbox
from .ledger.records import Event

URL_VARIABLE = "CUSTOMER_AGE_NOTIFY_URL"
HEADERS_VARIABLE = "CUSTOMER_AGE_NOTIFY_HEADERS_FILE"

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"

_KEPT = timedelta(days=7)
"""For how long an event that nobody takes is offered again."""

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that another attempt may change."""

_REFUSING = frozenset({400, 410, 411, 413, 414, 415, 422})
"""Answers that no attempt with the same event will change. Others, such as 401 and 404, are of the
address or of the headers, which someone may mend."""

_FAILURES_A_LOOK = 2
"""Events that could not be sent, before a look leaves the others to the next one."""


@dataclass(frozen=True)
class Webhook:
    """Where events go.

    Attributes:
        url: may be a secret.
        headers: may be secrets.
        timeout_seconds: for one attempt, whatever the webhook does.
        attempts: at each look.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 10
    attempts: int = 3


def open_webhook(
    settings: NotifySettings, environment: Mapping[str, str] = os.environ
) -> Webhook | None:
    """The webhook that the settings and the environment name; None where they name none.

    Raises:
        SettingsError: the address is none, or the file of headers cannot be read.
    """
    url = environment.get(URL_VARIABLE) or settings.url
    if not url:
        return None
    try:
        check_address(url)
    except ValueError as error:
        raise SettingsError(f"{URL_VARIABLE}: {error}") from None
    headers = _headers(environment.get(HEADERS_VARIABLE))
    return Webhook(url, headers, settings.timeout_seconds, settings.attempts)


def send_all(
    outbox: Outbox, pipeline: str, webhook: Webhook, say: Callable[[str], None], now: datetime
) -> None:
    """Send every event that has not been sent, the oldest first.

    One that the webhook refuses is dropped, with a line, and so are those that have waited for
    `_KEPT`; one that cannot be sent waits for the next look, and the others go on.

    Args:
        outbox: that keeps them.
        pipeline: its name, which the events carry as their source.
        webhook: to send to.
        say: takes a line for the person who watches.
        now: the time.
    """
    if old := outbox.drop_older(now - _KEPT, f"not sent within {_KEPT.days} days"):
        say(f"{old:,} notification(s) dropped: not sent within {_KEPT.days} days")
    longest = webhook.attempts * (webhook.timeout_seconds + 2.0**webhook.attempts)
    failed: list[str] = []
    while len(failed) < _FAILURES_A_LOOK:
        event = outbox.take(seconds=longest + 60, besides=failed)
        if event is None:
            return
        problem, code = _send(webhook, cloud_event(event, pipeline))
        if not problem:
            outbox.sent(event.id)
        elif code in _REFUSING:
            outbox.drop(event.id, f"the webhook refuses it ({code})")
            say(f"notification of {event.subject} dropped: the webhook refuses it ({code})")
        else:
            failed.append(event.id)
            say(f"notification of {event.subject} could not be sent: {problem}")


def cloud_event(event: Event, pipeline: str) -> dict[str, Any]:
    """An event as CloudEvents' JSON format has it (https://cloudevents.io, version 1.0.2).

    Args:
        event: to tell.
        pipeline: the name of the one that it happened in.
    """
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": f"/customer-age/{pipeline}",
        "type": event.type,
        "subject": event.subject,
        "time": event.happened_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": dict(event.data),
    }


@dataclass(frozen=True)
class _Answer:
    """What an attempt came to: what is wrong, or nothing, and the status, 0 without an answer."""

    problem: str
    code: int = 0

    @property
    def may_pass(self) -> bool:
        return not self.code or self.code in _PASSING


def _send(webhook: Webhook, event: Mapping[str, Any]) -> tuple[str, int]:
    """Try as often as is allowed; gives what is wrong, or nothing, and the last status."""
    answer = _Answer("")
    for attempt in range(webhook.attempts):
        if attempt:
            time.sleep(2.0 ** (attempt - 1))
        answer = _attempt_in_time(webhook, event)
        if not answer.problem or not answer.may_pass:
            break
    return answer.problem, answer.code


def _attempt_in_time(webhook: Webhook, event: Mapping[str, Any]) -> _Answer:
    """One attempt, and an end to it: a client's own time limit starts again with every byte."""
    answers: list[_Answer] = []
    thread = threading.Thread(target=lambda: answers.append(_attempt(webhook, event)), daemon=True)
    thread.start()
    thread.join(webhook.timeout_seconds)
    return answers[0] if answers else _Answer(f"no answer in {webhook.timeout_seconds:g} seconds")


def _attempt(webhook: Webhook, event: Mapping[str, Any]) -> _Answer:
    import requests

    try:
        with requests.post(
            webhook.url,
            data=json.dumps(event, ensure_ascii=False).encode(),
            headers={**webhook.headers, "Content-Type": CONTENT_TYPE},
            timeout=webhook.timeout_seconds,
            allow_redirects=False,  # it would take the headers' secrets to wherever it leads
            stream=True,  # nobody reads what it has to say
        ) as answer:
            code = answer.status_code
    except requests.RequestException as error:
        # Its words hold the address, which may be a secret.
        return _Answer(f"the webhook cannot be reached ({type(error).__name__})")
    if code < HTTPStatus.MULTIPLE_CHOICES:
        return _Answer("", code)
    if code < HTTPStatus.BAD_REQUEST:
        leads = f"the webhook leads elsewhere ({code}): set notify.url to where it leads"
        return _Answer(leads, code)
    return _Answer(f"the webhook answers {code}", code)


def _headers(file: str | None) -> dict[str, str]:
    if not file:
        return {}
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{HEADERS_VARIABLE}: {file}: cannot be read: {error}") from error
    headers = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise SettingsError(f"{HEADERS_VARIABLE}: {file}, line {number}: write Name: value")
        headers[name.strip()] = value.strip()
    return headers
