"""Inboxes that cannot be opened or listed; see `test_inbox_scan.py` for their content."""

import pytest

from customer_age.errors import RunError, SettingsError
from customer_age.pipeline.retraining.inbox import open_inbox
from customer_age.pipeline.settings import loading


def open_at(address, *overrides):
    return open_inbox(loading.load("local", overrides, data__inbox=address))


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (None, "not set"),
        ("/there/is/none", "this folder does not exist"),
        ("hdfs://host/inbox", "components open only s3:// and gs://"),
    ],
)
def test_an_invalid_inbox_is_an_error(address, says):
    with pytest.raises(SettingsError, match=f"(?s)data.inbox: .*{says}"):
        open_at(address).names()


def test_a_store_that_cannot_be_reached_is_one_line(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "hidden-word")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    args = '["--s3_endpoint_url=http://127.0.0.1:1", "--s3_region_name=us-east-1"]'
    opened = open_at("s3://shop/inbox", f"beam.args={args}")
    with pytest.raises(
        RunError, match="data.inbox: s3://shop/inbox: no answer from http://127.0.0.1:1 "
    ) as raised:
        opened.names()
    assert "\n" not in str(raised.value)
    assert "hidden-word" not in str(raised.value)
