"""The EDA page shows what the data are like, in numbers that are TFDV's."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from customer_age.components.artifacts.ingestion import Ingestion
from customer_age.components.artifacts.statistics import Histogram, SplitStatistics, Spread
from customer_age.components.run_report.facts import facts
from customer_age.components.run_report.pages import data_tables, eda, plots
from customer_age.schema import features

SECTIONS = ["refused", "anomalies", "photos", "ages", "numeric", "text"]


class Page(HTMLParser):
    """The sections, rows of cells and references of a page, and its ids."""

    def __init__(self, html: str):
        super().__init__()
        self.sections: list[str] = []
        self.rows: list[list[str]] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.references: list[str] = []
        self.text = ""
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.add(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.references += [
            values[name] for name in ("href", "xlink:href", "src") if name in values
        ]
        if tag == "section":
            self.sections.append(values["id"])
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._in_cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data):
        self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data.strip()

    def rows_under(self, name: str) -> dict[str, list[str]]:
        """The rows of each split under a feature's name in the table of numeric features."""
        start = self.rows.index([name]) + 1
        return {row[0]: row[1:] for row in self.rows[start : start + 3]}


@pytest.fixture
def collected(uris, run) -> facts.RunFacts:
    return facts.collect(uris, run, exit_code=0)


def test_all_sections_in_their_order_each_with_its_link(collected):
    page = Page(eda.render(collected))
    assert page.sections == SECTIONS
    assert {f"#{section}" for section in SECTIONS} <= set(page.references)
    assert len(page.ids) == len(set(page.ids)), "ids of two plots must not mix"


def test_the_numbers_are_those_of_the_photos(collected, frames):
    page = Page(eda.render(collected))
    rows = page.rows_under("Width, pixels")
    for split, frame in frames.items():
        widths = frame[features.IMAGE_WIDTH]
        photos, missing, mean, deviation, lowest, _, highest = rows[split]
        assert (photos, missing) == (f"{len(frame):,}", "0")
        assert float(mean.replace(",", "")) == pytest.approx(widths.mean(), abs=0.06)
        assert float(deviation.replace(",", "")) == pytest.approx(widths.std(ddof=0), abs=0.06)
        assert (lowest, highest) == (f"{widths.min():,}", f"{widths.max():,}")
    sizes = page.rows_under("File size, kB")
    largest = frames["train"][features.IMAGE_BYTE_SIZE].max() / 1000
    assert sizes["train"][-1] == f"{largest:,.0f}"


def test_refusals_and_schema_anomalies_are_reported_together(collected):
    page = Page(eda.render(collected))
    assert "3 of 733 rows were refused (0.4%)." in page.text
    found = len(facts.anomalies(collected))
    assert f"TFDV found {found} anomalies." in page.text
    nothing = dataclasses.replace(
        collected,
        anomalies=(),
        ingestion=Ingestion(rows=9, photos={"train": 9}, refused={}, seconds=1),
    )
    page = Page(eda.render(nothing))
    assert "None of 9 rows was refused." in page.text
    assert "TFDV found no anomaly." in page.text


def test_texts_are_counted_the_most_frequent_first(collected, frames):
    page = Page(eda.render(collected))
    modes = [row for row in page.rows if row[0] in ("RGB", "L")]
    counts = frames["train"][features.IMAGE_MODE].value_counts()
    assert [(row[0], row[1]) for row in modes] == [("RGB", f"{counts.RGB}"), ("L", f"{counts.L}")]


def test_a_table_shows_only_the_most_frequent_values(run):
    words = {f"batch-{number:03}": 100 - number for number in range(40)}
    statistics = {"train": SplitStatistics(4_000, {}, {features.BATCH: words})}
    many = dataclasses.replace(facts.collect({}, run, exit_code=0), statistics=statistics)
    (table,) = data_tables.text_features(many)
    assert len(table.rows) == data_tables.MOST_VALUES + 1
    assert next(iter(table.rows)) == "batch-000"
    assert table.rows["28 others"] == [f"{sum(list(words.values())[12:]):,}"]


def test_a_feature_that_is_always_empty_has_no_table(run):
    statistics = {"train": SplitStatistics(9, {}, {features.BATCH: {"": 9}})}
    empty = dataclasses.replace(facts.collect({}, run, exit_code=0), statistics=statistics)
    assert not data_tables.text_features(empty)


@pytest.mark.parametrize("missing", ["ingestion", "statistics", "anomalies"])
def test_missing_features_are_left_out(collected, missing):
    nothing = {"ingestion": None, "statistics": {}, "anomalies": None}[missing]
    page = Page(eda.render(dataclasses.replace(collected, **{missing: nothing})))
    sections = {
        "ingestion": {"refused"},
        "anomalies": {"anomalies"},
        "statistics": {"photos", "ages", "numeric", "text"},
    }
    assert set(page.sections) == set(SECTIONS) - sections[missing]


def test_a_page_on_nothing_says_so(run):
    assert "No photo was measured" in eda.render(facts.collect({}, run, exit_code=1))


def test_the_page_loads_nothing_and_runs_nothing(collected):
    html = eda.render(collected)
    page = Page(html)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    assert all(reference.startswith("#") for reference in page.references)
    assert "default-src 'none'" in html
    assert "<b>bold</b>.jpg" in page.text, "names of files are text"


def test_the_page_is_written_atomically(collected, tmp_path):
    eda.write_eda(collected, tmp_path / "new" / "eda.html")
    (file,) = (tmp_path / "new").iterdir()
    assert file.read_text(encoding="utf-8") == eda.render(collected)


def test_a_feature_with_one_value_is_a_bar_with_space_around_it():
    only = Histogram((200.0, 200.0), (10,))
    spread = Spread(10, 200, 200, 200, only, only, 200, 0, 0)
    split = SplitStatistics(photos=10, spreads={features.IMAGE_WIDTH: spread})
    plot = plots.spreads({"train": split}, [data_tables.Measure(features.IMAGE_WIDTH, "Width")], "")
    (drawn,) = re.findall(r'd="([^"]*)"[^>]*style="fill: var\(--candidate\)"', plot)
    corners = [tuple(map(float, pair.split())) for pair in re.findall(r"[ML] ([\d. ]+)", drawn)]
    ground = max(y for _, y in corners)
    raised = [x for x, y in corners if y < ground]
    width = max(x for x, _ in corners) - min(x for x, _ in corners)
    assert max(raised) - min(raised) == pytest.approx(width / 3)
