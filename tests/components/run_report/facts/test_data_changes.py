"""The report's section on new batches: counts, and the errors of both models."""

import dataclasses
import re

import pytest

from customer_age.components.artifacts.evaluation import Evaluation
from customer_age.components.artifacts.ingestion import BatchCounts
from customer_age.components.run_report.facts import data_changes, facts
from customer_age.components.run_report.pages import report


def counts(train, groups, refused=0):
    photos = {"train": train, "valid": 1, "test": 2}
    return BatchCounts(
        rows=train + 3 + refused,
        photos=photos,
        refused={"no_consent": refused} if refused else {},
        age_groups=groups,
    )


@pytest.fixture
def retrained(published, measured):
    """A run with a window of two batches; the champion was trained on one of them."""
    by_batch = {
        "base": counts(400, {"25-34": 403}),
        "2026-03": counts(10, {"25-34": 9, "65+": 4}),
        "2026-04": counts(20, {"25-34": 20, "65+": 3}, refused=5),
    }
    ingestion = published.ingestion.model_copy(update={"batches": by_batch})
    return dataclasses.replace(
        published,
        ingestion=ingestion,
        baseline=facts.Baseline("champion", "7", ("2026-02", "2026-03")),
        evaluation=Evaluation(measured(6.42), measured(6.9), True, ()),
    )


def test_batches_are_new_unless_the_champion_was_trained_on_them(retrained):
    found = data_changes.batches(retrained)
    assert [(batch.name, batch.new) for batch in found] == [("2026-03", False), ("2026-04", True)]


def test_changes_are_by_age_group(retrained):
    rows = {row.group: row for row in data_changes.changes(retrained)}
    assert rows["25-34"].new_photos == 20
    assert rows["65+"].new_photos == 3
    assert rows["0-12"].new_photos == 0
    assert rows["All"].new_photos == 23
    assert rows["All"].difference == pytest.approx(6.42 - 6.9)
    assert rows["65+"].difference == pytest.approx((6.42 - 6.9) * 2.17)
    assert list(rows)[-1] == "All"


def test_the_page_shows_both_tables(retrained):
    html = report.render(retrained)
    text = " ".join(re.sub(r"<[^>]*>", " ", html).split())
    assert "Effect of the new photos" in html
    assert "1 of 2 batches in the data window" in html
    assert "new to" in html
    assert "2026-04 28 20 1 2 5 25-34: 20, 65+: 3 new" in text
    assert "\N{MINUS SIGN}0.48" in html


def test_the_section_is_linked_where_it_is(retrained, published):
    for run, times in ((retrained, 1), (published, 0)):
        html = report.render(run)
        assert html.count('href="#new-photos"') == html.count('id="new-photos"') == times


def test_a_run_without_batches_has_no_such_section(published):
    assert data_changes.batches(published) == []
    assert "Effect of the new photos" not in report.render(published)


def test_a_group_without_test_photos_is_shown(retrained):
    by_batch = {"2026-04": counts(2, {"100+": 5})}
    changed = dataclasses.replace(
        retrained, ingestion=retrained.ingestion.model_copy(update={"batches": by_batch})
    )
    row = {row.group: row for row in data_changes.changes(changed)}["100+"]
    assert (row.new_photos, row.test_photos, row.difference) == (5, 0, None)
    assert "100+" in report.render(changed)
