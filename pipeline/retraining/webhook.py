"""Sends events to a webhook, as CloudEvents 1.0 in JSON, structured mode.

Events wait in the ledger until they are sent, so a trigger that dies loses no event. One that dies
between sending an event and recording that sends it again: the receiver recognizes it by its `id`.
A webhook that fails or hangs never fails a run and never delays it for long.
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
"""How long an event that the webhook does not accept is sent again."""

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Status codes after which another attempt may succeed."""

_REFUSING = frozenset({400, 410, 411, 413, 414, 415, 422})
"""Status codes after which no attempt with the same event can succeed. Others, such as 401 and 404,
concern the address or the headers, which someone may fix."""

_FAILURES_PER_CHECK = 2
"""How many events may fail before a check leaves the others to the next check."""


@dataclass(frozen=True)
class Webhook:
    """The webhook that events are sent to.

    Attributes:
        url: may be a secret.
        headers: may be secrets.
        timeout_seconds: the longest time for one attempt, even if the webhook hangs.
        attempts: the largest number of attempts per event at each check.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 10
    attempts: int = 3


def open_webhook(
    settings: NotifySettings, environment: Mapping[str, str] = os.environ
) -> Webhook | None:
    """Return the webhook that the settings and the environment name, or None if not set.

    Raises:
        SettingsError: the address is not valid, or the file of headers cannot be read.
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

    An event that the webhook refuses is dropped and reported in one line, and so are events that
    have waited for `_KEPT`. An event that cannot be sent waits for the next check; the others are
    still sent.

    Args:
        outbox: the outbox that keeps the events.
        pipeline: the pipeline's name, which is part of each event's source.
        webhook: the webhook to send to.
        say: prints a line for the user.
        now: the current time.
    """
    if old := outbox.drop_older(now - _KEPT, f"not sent within {_KEPT.days} days"):
        say(f"{old:,} notification(s) dropped: not sent within {_KEPT.days} days")
    longest = webhook.attempts * (webhook.timeout_seconds + 2.0**webhook.attempts)
    failed: list[str] = []
    while len(failed) < _FAILURES_PER_CHECK:
        event = outbox.take(seconds=longest + 60, excluding=failed)
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
    """Return an event in CloudEvents' JSON format (https://cloudevents.io, version 1.0.2).

    Args:
        event: the event to send.
        pipeline: the name of the pipeline in which it happened.
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
    """The result of an attempt: the problem or an empty text, and the status, 0 if no answer."""

    problem: str
    code: int = 0

    @property
    def may_pass(self) -> bool:
        return not self.code or self.code in _PASSING


def _send(webhook: Webhook, event: Mapping[str, Any]) -> tuple[str, int]:
    """Try as often as allowed; return the problem or an empty text, and the last status."""
    answer = _Answer("")
    for attempt in range(webhook.attempts):
        if attempt:
            time.sleep(2.0 ** (attempt - 1))
        answer = _attempt_in_time(webhook, event)
        if not answer.problem or not answer.may_pass:
            break
    return answer.problem, answer.code


def _attempt_in_time(webhook: Webhook, event: Mapping[str, Any]) -> _Answer:
    """Try once within a time limit: the client's own limit starts again with every byte."""
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
            allow_redirects=False,  # a redirect would send the headers' secrets elsewhere
            stream=True,  # the body of the answer is not needed
        ) as answer:
            code = answer.status_code
    except requests.RequestException as error:
        # The error's text contains the address, which may be a secret.
        return _Answer(f"the webhook cannot be reached ({type(error).__name__})")
    if code < HTTPStatus.MULTIPLE_CHOICES:
        return _Answer("", code)
    if code < HTTPStatus.BAD_REQUEST:
        redirected = f"the webhook redirects ({code}): set notify.url to the new address"
        return _Answer(redirected, code)
    return _Answer(f"the webhook answered {code}", code)


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
