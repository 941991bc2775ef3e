"""What depends on today: a photo cannot have been taken after it arrived."""

import os
from datetime import datetime, timedelta, timezone

import pytest

from customer_age.files import store
from customer_age.files.folders import reach
from customer_age.labels import COMPLETE, open_data_set
from customer_age.labels.cards import arrival
from customer_age.schema.refusals import Reason

ARRIVED = datetime(2026, 11, 26, 9, tzinfo=timezone.utc)


@pytest.fixture
def today(monkeypatch):
    """Sets the clock."""

    def set_to(now: datetime) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return now.astimezone(tz)

        monkeypatch.setattr(arrival, "datetime", Clock)

    return set_to


@pytest.fixture
def upload(batch, shown, tmp_path):
    """Writes an upload with photos of some days, and sets when it arrived."""

    def write(captured, arrived=ARRIVED):
        rows = [shown(f"{day}.jpg", "4001", day) for day in captured]
        folder = batch(tmp_path, "monday", rows, {"4001": "1990-03-01"})
        if arrived is None:
            (folder / COMPLETE).unlink()
        else:
            os.utime(folder / COMPLETE, (arrived.timestamp(),) * 2)
        return folder

    return write


def judged(folder):
    """File name to the problem, and the fingerprint."""
    data_set = open_data_set(str(folder), batch="monday")
    return {row.file_name: row.problem for row in data_set.rows()}, data_set.fingerprint()


def test_the_uploads_own_time_decides_on_any_day(upload, today):
    days = ["2026-11-26", "2026-11-27", "2026-11-28", "2026-12-10"]
    folder = upload(days)
    found = []
    for now in (ARRIVED, ARRIVED + timedelta(24), ARRIVED + timedelta(400)):
        today(now)
        found.append(judged(folder))
    future = Reason.CAPTURED_IN_FUTURE
    names = [f"{day}.jpg" for day in days]
    expected = dict(zip(names, (None, None, future, future), strict=True))
    assert [problems for problems, _ in found] == [expected] * 3
    assert len({fingerprint for _, fingerprint in found}) == 1


def test_without_a_time_another_result_has_another_fingerprint(upload, today):
    """So no cache keeps the result of an earlier day."""
    folder = upload(["2026-11-20", "2026-12-10"], arrived=None)
    today(ARRIVED)
    before = judged(folder)
    today(ARRIVED + timedelta(1))
    assert judged(folder) == before, "a day that changes nothing changes no fingerprint"
    today(ARRIVED + timedelta(24))
    after = judged(folder)
    assert before[0]["2026-12-10.jpg"] == Reason.CAPTURED_IN_FUTURE
    assert set(after[0].values()) == {None}
    assert after[1] != before[1]


def test_a_copy_with_another_time_that_changes_nothing_is_the_same_data(upload, today):
    today(ARRIVED + timedelta(24))
    folder = upload(["2026-11-20"])
    original = judged(folder)
    os.utime(folder / COMPLETE)
    assert judged(folder) == original


def test_a_copy_with_another_time_is_checked_again(upload, today):
    today(ARRIVED + timedelta(24))
    folder = upload(["2026-12-10"])
    original = judged(folder)
    copied = (ARRIVED + timedelta(20)).timestamp()
    os.utime(folder / COMPLETE, (copied, copied))
    assert (judged(folder)[0], original[0]) == (
        {"2026-12-10.jpg": None}, {"2026-12-10.jpg": Reason.CAPTURED_IN_FUTURE}
    )  # fmt: skip
    assert judged(folder)[1] != original[1]


def test_an_upload_from_the_future_is_checked_by_today(upload, today):
    """Its machine's clock is ahead, and so may be the camera's: the ages would be too high."""
    today(ARRIVED)
    folder = upload(["2036-11-26"], ARRIVED + timedelta(3653))
    assert judged(folder)[0] == {"2036-11-26.jpg": Reason.CAPTURED_IN_FUTURE}


def test_an_upload_keeps_its_result_if_the_clock_was_set_back(upload, today):
    folder = upload(["2026-11-25", "2026-11-26", "2026-12-10"])
    today(ARRIVED)
    before = judged(folder)
    today(ARRIVED - timedelta(2))
    assert judged(folder) == before
    assert list(before[0].values()) == [None, None, Reason.CAPTURED_IN_FUTURE]


def test_in_a_bucket_the_time_is_the_object_s(s3_endpoint, aws_credentials, tmp_path):
    import boto3

    boto3.client("s3", endpoint_url=s3_endpoint).create_bucket(Bucket="shop")
    address = f"s3://shop/inbox/monday?endpoint={s3_endpoint}"
    folder = reach(address)
    store.write_whole(folder.path(COMPLETE), b"")
    written = reach(address).modified(COMPLETE)
    assert abs(written - datetime.now(timezone.utc)) < timedelta(minutes=5)
    assert reach(address).modified("nothing") is None
