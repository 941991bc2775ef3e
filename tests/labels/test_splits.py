from collections import Counter

import pytest

from customer_age.labels import splits
from customer_age.labels.splits import SplitShares, SplitSpec, split_of

SHARES = {"train": 0.8, "valid": 0.1, "test": 0.1}


def dealt(identities, shares=SHARES, key="key"):
    spec = SplitSpec(split_shares=SplitShares(**shares), split_key=key)
    return {identity: split_of(identity, spec) for identity in identities}


def test_shares_are_kept_within_chance():
    counts = Counter(dealt(map(str, range(20_000))).values())
    for split, share in SHARES.items():
        # Four standard deviations of a binomial count.
        assert counts[split] == pytest.approx(
            20_000 * share, abs=4 * (20_000 * share * (1 - share)) ** 0.5
        )


def test_more_photos_move_no_photo():
    few = dealt(map(str, range(100)))
    assert few.items() <= dealt(map(str, range(1000))).items()


def test_a_larger_share_only_adds_photos():
    before = dealt(map(str, range(1000)))
    after = dealt(map(str, range(1000)), {"train": 0.9, "valid": 0.05, "test": 0.05})
    assert all(after[identity] == "train" for identity in before if before[identity] == "train")


def test_another_key_assigns_all_splits_again():
    assert dealt(map(str, range(100))) != dealt(map(str, range(100)), key="other")


def test_splits_are_the_same_as_in_earlier_versions():
    # A change here would move every customer's test photos into training.
    split = [split_of(str(number), SplitSpec()) for number in range(12)]
    assert " ".join(split) == (
        "valid train train train train valid train train test train train train"
    )


def test_shares_that_do_not_quite_reach_one_leave_nobody_out(monkeypatch):
    monkeypatch.setattr(splits, "keyed_hash", lambda *_: b"\xff" * 32)
    assert dealt("x", {"train": 0.7, "valid": 0.2, "test": 0.1}) == {"x": "test"}


def test_a_share_ends_before_the_next_begins(monkeypatch):
    monkeypatch.setattr(splits, "keyed_hash", lambda *_: b"\x80" + b"\0" * 31)  # 0.5 exactly
    assert dealt("x", {"train": 0.5, "valid": 0.25, "test": 0.25}) == {"x": "valid"}
