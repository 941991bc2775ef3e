"""Notifications, to a real HTTP server on loopback that fails, hangs and redirects."""

import json
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standing_clock import START

from customer_age.errors import SettingsError
from customer_age.pipeline.retraining.ledger.events import run_ended
from customer_age.pipeline.retraining.ledger.records import (
    Batch,
    BatchState,
    FoundBatch,
    Run,
    RunState,
)
from customer_age.pipeline.retraining.webhook import (
    Webhook,
    cloud_event,
    open_webhook,
    send_all,
)
from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.retraining import NotifySettings


class Receiver:
    """A webhook that returns preset answers and records its requests."""

    def __init__(self):
        self.got = []
        self.answers = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, dict(self.headers), json.loads(body)))
                receiver.answers.pop(0)(self) if receiver.answers else self._answer(204)

            def _answer(self, code, **headers):
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


def answer(code, **headers):
    return lambda handler: handler._answer(code, **headers)


def drip(handler):
    """Send a byte from time to time, so that a socket's time limit never expires."""
    try:
        for letter in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300:
            handler.wfile.write(bytes([letter]))
            handler.wfile.flush()
            time.sleep(0.1)
    except OSError:
        pass


@pytest.fixture
def receiver(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def no_waiting(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.fixture
def events(ledger):
    """A ledger with two events: batches that were set aside."""
    ledger.add(
        [FoundBatch("a", START, problem="no table"), FoundBatch("b", START, problem="no rows")],
        True,
    )
    return ledger


def send(ledger, clock, receiver, **changed):
    printed = []
    webhook = Webhook(receiver.url, **{"timeout_seconds": 5, "attempts": 3} | changed)
    send_all(ledger.outbox, "shop", webhook, printed.append, clock())
    return printed


def test_every_event_is_sent_once(events, clock, receiver):
    assert send(events, clock, receiver) == []
    clock.forward(hours=1)
    assert send(events, clock, receiver) == []
    assert [body["subject"] for _, _, body in receiver.got] == ["a", "b"]


def test_an_event_is_sent_as_a_cloud_event(events, clock, receiver):
    send(events, clock, receiver, headers={"Authorization": "Bearer word"})
    path, headers, body = receiver.got[0]
    assert path == "/hook"
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["Authorization"] == "Bearer word"
    assert body == {
        "specversion": "1.0",
        "id": f"a.{START.timestamp():.0f}.set_aside",
        "source": "/customer-age/shop",
        "type": "customer-age.batch.set_aside",
        "subject": "a",
        "time": "2026-03-02T08:00:00.000Z",
        "datacontenttype": "application/json",
        "data": {"batch": "a", "reason": "no table", "tries": 0, "photos": 0},
    }


def test_the_end_of_a_run_as_an_event():
    batch = Batch("a", BatchState.TAKEN, 12, START)
    run = Run("retrain-1", RunState.RUNNING, "because", "{}", START, ("a",), (batch,))
    ended = START + timedelta(hours=1)
    event = run_ended(run, RunState.PUBLISHED, "", ended, {"version": "3"})
    sent = cloud_event(event, "shop")
    assert (sent["type"], sent["id"]) == (
        "customer-age.run.published",
        "retrain-1.published",
    )
    assert sent["data"] == {
        "run_id": "retrain-1",
        "state": "published",
        "why_started": "because",
        "reason": "",
        "planned_at": "2026-03-02T08:00:00+00:00",
        "ended_at": "2026-03-02T09:00:00+00:00",
        "new_batches": ["a"],
        "new_photos": 12,
        "version": "3",
    }


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_webhook_that_fails_is_tried_again(events, clock, receiver, no_waiting, code):
    receiver.answers = [answer(code), answer(code)]
    assert send(events, clock, receiver) == []
    assert [body["subject"] for _, _, body in receiver.got] == ["a", "a", "a", "b"]
    assert len({body["id"] for _, _, body in receiver.got[:3]}) == 1, "one event"


def test_an_event_that_cannot_be_sent_waits_and_the_others_go_on(
    events, clock, receiver, no_waiting
):
    receiver.answers = [answer(500)] * 3
    assert send(events, clock, receiver) == [
        "notification of a could not be sent: the webhook answered 500"
    ]
    assert [body["subject"] for _, _, body in receiver.got] == ["a", "a", "a", "b"]
    clock.forward(minutes=5)
    assert send(events, clock, receiver) == []
    assert [body["subject"] for _, _, body in receiver.got[4:]] == ["a"]


@pytest.mark.parametrize("code", [400, 410, 413, 422])
def test_an_event_that_the_webhook_refuses_is_dropped(events, clock, receiver, code):
    receiver.answers = [answer(code)]
    dropped = f"the webhook refuses it ({code})"
    assert send(events, clock, receiver) == [f"notification of a dropped: {dropped}"]
    assert [body["subject"] for _, _, body in receiver.got] == ["a", "b"]
    clock.forward(days=1)
    assert send(events, clock, receiver) == []
    assert len(receiver.got) == 2
    assert events.outbox.counts() == {dropped: 1}


@pytest.mark.parametrize("code", [401, 403, 404])
def test_an_error_that_someone_may_fix_is_tried_once_per_check(events, clock, receiver, code):
    receiver.answers = [answer(code)] * 2
    assert len(send(events, clock, receiver)) == 2
    assert len(receiver.got) == 2
    clock.forward(minutes=5)
    assert send(events, clock, receiver) == []
    assert len(receiver.got) == 4


def test_a_failing_webhook_delays_a_check_for_two_events(events, clock, receiver):
    more = [FoundBatch(f"more-{number}", START, problem="no table") for number in range(9)]
    events.add(more, True)
    receiver.answers = [answer(401)] * 11
    assert len(send(events, clock, receiver)) == 2


def test_a_redirect_is_not_followed(events, clock, receiver):
    receiver.answers = [answer(307, Location="/elsewhere")]
    printed, *_ = send(events, clock, receiver, headers={"Authorization": "word"})
    assert "the webhook redirects (307)" in printed
    assert {path for path, *_ in receiver.got} == {"/hook"}


@pytest.mark.parametrize("hang", [lambda _: time.sleep(30), drip], ids=["silence", "a drip"])
def test_a_webhook_that_hangs_costs_its_time_limit(events, clock, receiver, hang):
    receiver.answers = [hang] * 3
    started = time.monotonic()
    printed, *_ = send(events, clock, receiver, timeout_seconds=0.5, attempts=1)
    assert "no answer in 0.5 seconds" in printed or "cannot be reached" in printed
    assert time.monotonic() - started < 20, "two events, of 30 seconds each without the limit"


def test_an_unreachable_webhook_is_reported_without_address(events, clock, receiver, no_waiting):
    receiver.stop()
    printed, _ = send(events, clock, receiver)
    assert "the webhook cannot be reached (ConnectionError)" in printed
    assert receiver.url not in printed


def test_old_news_is_not_sent(events, clock, receiver):
    clock.forward(days=8)
    old = "not sent within 7 days"
    assert send(events, clock, receiver) == [f"2 notification(s) dropped: {old}"]
    assert receiver.got == []
    assert events.outbox.counts() == {old: 2}


def test_where_it_goes():
    assert open_webhook(NotifySettings(), {}) is None
    plain = NotifySettings(url="https://shop.example/hook", timeout_seconds=3, attempts=2)
    assert open_webhook(plain, {}) == Webhook("https://shop.example/hook", {}, 3, 2)
    secret = {"CUSTOMER_AGE_NOTIFY_URL": "https://chat.example/secret-path"}
    opened = open_webhook(plain, secret)
    assert opened.url == "https://chat.example/secret-path"
    assert "secret" not in repr(opened)


def test_headers_come_from_a_file(tmp_path):
    file = tmp_path / "headers"
    file.write_text("Authorization: Bearer a:b\n\nX-Shop: 7\n")
    environment = {"CUSTOMER_AGE_NOTIFY_HEADERS_FILE": str(file)}
    opened = open_webhook(NotifySettings(url="https://shop.example"), environment)
    assert opened.headers == {"Authorization": "Bearer a:b", "X-Shop": "7"}
    file.write_text("no header\n")
    with pytest.raises(SettingsError, match="line 1: write Name: value"):
        open_webhook(NotifySettings(url="https://shop.example"), environment)
    with pytest.raises(SettingsError, match="cannot be read"):
        open_webhook(
            NotifySettings(url="https://shop.example"),
            {"CUSTOMER_AGE_NOTIFY_HEADERS_FILE": str(tmp_path / "none")},
        )


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("notify.url=https://user:word@host/", "must hold no user name or password"),
        ("notify.url=ftp://host/", "https://host/path"),
        ("notify.url=nonsense", "https://host/path"),
        ("retraining.ledger=postgresql://shop:word@host/db", "must hold no password"),
        ("retraining.ledger=postgresql://host/db?password=word", "must hold no password"),
        ("retraining.ledger=mysql://host/db", "postgresql://user@host"),
    ],
)
def test_settings_contain_no_secret(override, says):
    with pytest.raises(SettingsError, match=says) as raised:
        loading.load("local", (override,))
    assert "word@" not in str(raised.value)
    assert "=word" not in str(raised.value)


def test_the_run_key_does_not_depend_on_the_webhook():
    before = loading.load("local").fingerprint()
    changed = loading.load("local", ("notify.url=https://shop.example", "retraining.min_photos=7"))
    assert changed.fingerprint() == before
