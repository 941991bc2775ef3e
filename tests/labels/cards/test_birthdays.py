"""The results of runs over several batches reveal nobody's day of birth.

Each reading of the shop's tables ends in rows, refusals and fingerprints: all that goes further. A
day that gives the same of all of them cannot be distinguished from the true one by any method.
"""

import calendar
from datetime import date, timedelta

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from customer_age.labels import COMPLETE, LabelSpec, open_data_sets
from customer_age.schema.refusals import Reason

LEAST_CANDIDATES = 28
KEY = "a key that is long enough"


class Shop:
    """An inbox of batches and a base set, written again for each try."""

    def __init__(self, folder):
        self.folder = folder
        base = folder / "base"
        base.mkdir()
        (base / "labels.csv").write_text("file_name,real_age\na.jpg,30\n")
        (base / "a.jpg").write_bytes(b"a photo")
        (folder / "key").write_text(KEY)

    def left_behind(self, born, captured):
        """What a run stores about photos of one card, each in a separate batch."""
        for number, day in enumerate(captured):
            batch = self.folder / "inbox" / f"batch-{number}"
            batch.mkdir(parents=True, exist_ok=True)
            rows = f"file_name,card_id,captured_at\np.jpg,4000-0001,{day}T10:15\n"
            (batch / "photos.csv").write_text(rows)
            (batch / "p.jpg").write_bytes(b"%d" % number)
            profile = f"card_id,date_of_birth,consent\n4000-0001,{born},yes\n"
            (batch / "cards.csv").write_text(profile)
            (batch / COMPLETE).touch()
        spec = LabelSpec(inbox=str(self.folder / "inbox"), person_key_file=str(self.folder / "key"))
        names = [f"batch-{number}" for number in range(len(captured))]
        data_sets = open_data_sets(str(self.folder / "base"), spec, names)
        return [(list(each.rows()), each.fingerprint()) for each in data_sets]


DAYS = st.dates(date(1930, 1, 1), date(2020, 12, 31))


@settings(max_examples=6, deadline=None, phases=[Phase.generate])
@given(born=DAYS, until_photo=st.lists(st.integers(-40, 36000), min_size=1, max_size=3))
def test_at_least_28_days_of_birth_are_left_for_everybody(tmp_path_factory, born, until_photo):
    shop = Shop(tmp_path_factory.mktemp("shop"))
    captured = [born + timedelta(days) for days in until_photo]
    truth = shop.left_behind(born, captured)
    month = [
        born.replace(day=day + 1) for day in range(calendar.monthrange(born.year, born.month)[1])
    ]
    candidates = [day for day in month if shop.left_behind(day, captured) == truth]
    assert len(candidates) >= LEAST_CANDIDATES


def test_the_ages_of_many_photos_give_the_month_and_no_more(tmp_path):
    shop = Shop(tmp_path)
    captured = [date(2020, 1, 1) + timedelta(11 * number) for number in range(40)]
    found = shop.left_behind(date(1990, 3, 29), captured)
    [_, *batches] = [rows for rows, _ in found]
    ages = [(date.fromisoformat(row.captured), float(row.age)) for rows in batches for row in rows]

    def fits(born):
        # An attacker with the examples and their days would try this: 4 decimals are an hour.
        return all(abs((day - born).days / 365.2425 - age) < 1.5 / 365 for day, age in ages)

    every_day = [date(1989, 1, 1) + timedelta(number) for number in range(1000)]
    assert date(1990, 3, 16) in filter(fits, every_day)
    assert date(1990, 3, 29) not in filter(fits, every_day)


def test_a_birth_after_the_photo_is_refused_by_its_month(tmp_path):
    shop = Shop(tmp_path)
    captured = [date(2020, 3, 10)]
    [_, ([late], _)] = shop.left_behind(date(2020, 3, 30), captured)
    assert (late.problem, float(late.age)) == (None, 0)
    [_, ([refused], _)] = shop.left_behind(date(2020, 4, 1), captured)
    assert refused.problem is Reason.BORN_AFTER_CAPTURE
