"""The page shows how a run ended and why, all facts, and no secrets."""

import dataclasses
import math
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from customer_age.components.artifacts.canary import Canary
from customer_age.components.artifacts.evaluation import Evaluation
from customer_age.components.run_report.facts import facts
from customer_age.components.run_report.pages import formatting, plots, report

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """A page as a reader meets it: headings, rows of cells, sections, and what it would load."""

    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.sections: list[str] = []
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.references: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.tags.add(tag)
        values = dict(attrs)
        self.references += [
            values[name] or ""
            for name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster")
            if name in values
        ]
        if tag == "section":
            self.sections.append(values["id"])
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data.strip()

    def row(self, start: str) -> list[str]:
        (found,) = [row for row in self.rows if row and row[0] == start]
        return found


def shown(run_facts: facts.RunFacts) -> Page:
    return Page(report.render(run_facts))


def test_a_published_run_names_its_version_and_the_margin(published):
    text = shown(published).text
    assert "Published as version 3" in text
    assert (
        "The test MAE is 6.42 years on 1,222 photos, within the limit of 8.00, and 4.89 "
        "years better than the median predictor." in text
    )


def test_the_candidate_may_be_worse_than_a_champion_by_the_tolerance(published, measured):
    text = shown(
        dataclasses.replace(
            published,
            baseline=facts.Baseline("champion", "2"),
            evaluation=Evaluation(measured(6.42), measured(6.3), True, ()),
        )
    )
    assert "0.12 years worse than the champion, version 2, within the tolerance" in text.text
    assert text.row("Test MAE against the champion, version 2")[2:] == [
        "at most 6.55",
        "years",
        "✓ passed",
    ]


def test_the_candidate_must_be_better_than_the_median_predictor(published, measured):
    equal = Evaluation(measured(7.5), measured(7.5), False, ("it must be better",))
    row = shown(dataclasses.replace(published, exit_code=3, evaluation=equal)).row(
        "Test MAE against the median predictor"
    )
    assert row[1:] == ["7.50", "below 7.50", "years", "✕ failed"]


def test_a_refused_model_shows_each_refusal_and_failed_check(published, measured):
    refusals = ("only 64 test photos, fewer than 100", "MAE 9.10 years, above the limit of 8")
    refused = dataclasses.replace(
        published,
        exit_code=3,
        publication=None,
        evaluation=Evaluation(measured(9.1), measured(11.31), False, refusals),
    )
    found = shown(refused)
    assert "Refused by the gate" in found.text
    assert "Only 64 test photos, fewer than 100." in found.text
    assert "MAE 9.10 years, above the limit of 8." in found.text
    assert found.row("Test MAE") == ["Test MAE", "9.10", "at most 8.00", "years", "✕ failed"]


def test_the_canarys_measurements_have_their_limits(published):
    found = shown(published)
    assert found.row("Time for one photo, median")[1:] == [
        "0.029",
        "at most 2.000",
        "seconds",
        "✓ passed",
    ]
    assert found.row("Time for a batch of 64 photos, median")[1:3] == ["1.620", "at most 128.000"]
    assert found.row("A photo through each signature")[1:3] == ["0.0020", "at most 0.0100"]
    assert found.row("Peak memory")[1:4] == ["1,110", "at most 4,096", "MB"]


def test_every_check_of_the_canary_has_a_name_of_its_own(published):
    assert list(published.canary.checks) == list(formatting.CANARY_CHECKS)


def test_a_model_that_is_not_fit_to_serve_is_refused_by_the_canary(published, measured):
    dead = Canary(passed=False, refusals=["the worker process was killed by SIGABRT"], checks={})
    refused = dataclasses.replace(published, exit_code=3, publication=None, canary=dead)
    found = shown(refused)
    assert "Refused by the canary" in found.text
    assert "Not fit to serve: the worker process was killed by SIGABRT." in found.text
    both = Evaluation(measured(9.1), None, False, ("MAE 9.10 years, above the limit of 8",))
    found = shown(dataclasses.replace(refused, evaluation=both))
    assert "Refused by the gate" in found.text
    assert "MAE 9.10 years, above the limit of 8." in found.text
    assert "Not fit to serve: the worker process was killed by SIGABRT." in found.text


@pytest.mark.parametrize(
    ("exit_code", "title"),
    [(1, "Failed"), (2, "Settings refused"), (4, "Data refused"), (137, "Failed")],
)
def test_a_run_that_stopped_early_shows_the_reason(run, exit_code, title):
    errors = ["labels.csv lacks the column real_age", "train: real_age: too high: 999"]
    text = shown(facts.collect({}, run, exit_code=exit_code, errors=errors)).text
    assert title in text
    assert "labels.csv lacks the column real_age." in text
    assert "train: real_age: too high: 999." in text


@pytest.mark.parametrize("exit_code", [0, 1, 2, 3, 4])
def test_there_is_always_a_reason(run, exit_code):
    html = report.render(facts.collect({}, run, exit_code=exit_code))
    (why,) = [line for line in html.splitlines() if 'class="why"' in line]
    assert len(why) > len('<p class="why">.</p>')


def test_all_sections_of_a_full_run_in_their_order(published):
    found = shown(published)
    assert found.sections == ["gate", "groups", "canary", "data", "training", "provenance", "use"]
    assert {f"#{name}" for name in found.sections} <= set(found.references)


@pytest.mark.parametrize(
    ("missing", "section"),
    [
        ({"evaluation": None}, "gate"),
        ({"evaluation": None}, "groups"),
        ({"evaluation": None, "publication": None}, "use"),
        ({"canary": None}, "canary"),
        ({"training": None}, "training"),
        ({"ingestion": None, "statistics": {}, "anomalies": None}, "data"),
    ],
)
def test_a_section_without_input_is_absent_and_not_linked(published, missing, section):
    found = shown(dataclasses.replace(published, **missing))
    assert section not in found.sections
    assert f"#{section}" not in found.references


def test_each_part_of_the_data_stands_alone(published):
    nothing = {"ingestion": None, "statistics": {}, "anomalies": None, "refused_photos": {}}
    headings = {
        "ingestion": "Ingestion",
        "statistics": "Numeric features",
        "anomalies": "Schema anomalies",
    }
    for part, heading in headings.items():
        only = {**nothing, part: getattr(published, part)}
        text = shown(dataclasses.replace(published, **only)).text
        assert heading in text
        assert not any(other in text for other in headings.values() if other != heading)


def test_the_numbers_by_age_group_are_those_of_the_evaluation(published):
    found = shown(published)
    evaluation = published.evaluation
    for group, mine in evaluation.candidate.by_age_group.items():
        (row,) = [row for row in found.rows if row[0] == group and len(row) == 7]
        theirs = evaluation.baseline.by_age_group[group]
        numbers = [float(cell.replace("\N{MINUS SIGN}", "-").replace(",", "")) for cell in row[1:6]]
        expected = [mine.photos, mine.mae, theirs.mae, mine.mae - theirs.mae, mine.bias]
        assert numbers == pytest.approx(expected, abs=0.005)
        assert (row[6] == "uncertain") == (mine.photos < 30)


def test_the_numbers_of_the_data_are_those_of_the_artifacts(published, frames):
    found = shown(published)
    assert "730 photos from 733 rows can be used: 400 train, 130 valid, 200 test." in found.text
    assert found.row("unreadable")[1] == "2"
    assert found.row("photo missing") == ["photo missing", "1", "000089.jpg (labels.csv, line 91)"]
    for group, train in frames["train"].age_group.value_counts().items():
        (row,) = [row for row in found.rows if row[0] == group and len(row) == 4]
        assert row[1] == str(train)
    widths = frames["test"]["image/width"]
    unbroken = f"({widths.min():,} to {widths.max():,})".replace(" ", "\N{NO-BREAK SPACE}")
    assert unbroken in found.row("Width, pixels")[3]


def test_the_kept_epoch_is_counted_over_both_phases(published):
    assert "7 of 9: MAE 5.11 years on train, 6.37 on valid" in shown(published).text
    second = published.training.model_copy(update={"best_epoch": 2})
    text = shown(dataclasses.replace(published, training=second)).text
    assert "5 of 9: MAE 7.21 years on train, 7.12 on valid" in text


def test_a_curve_of_one_epoch_has_one_tick_and_its_complete_label(published):
    one = [published.training.history[-1].model_copy(update={"mae": 14.64, "val_mae": 11.71})]
    plot = plots.learning_curves(published.training.model_copy(update={"history": one}))
    texts = re.findall(r'<text style="font-size: 9px[^>]* x="([^"]+)"[^>]*>([^<]+)', plot)
    named = {text: float(x) for x, text in texts}
    assert [text for text in named if text.isdigit()] == ["1"]
    # Its letters stand upright on this line, left of it by less than their size of 9.
    assert named["MAE, years"] >= 9, "it begins left of the plot"


def test_an_error_just_over_the_limit_does_not_look_equal_to_it(published, measured):
    over = Evaluation(measured(8.0004), None, False, ("MAE above the limit",))
    row = shown(dataclasses.replace(published, exit_code=3, evaluation=over)).row("Test MAE")
    assert row[1:3] == ["8.0004", "at most 8.0000"]
    assert row[4] == "✕ failed"


def test_an_error_of_nan_fails(published, measured):
    broken = Evaluation(measured(math.nan), measured(11.0), False, ("MAE is not a number",))
    row = shown(dataclasses.replace(published, exit_code=3, evaluation=broken)).row("Test MAE")
    assert row[1] == "not a number"
    assert row[4] == "✕ failed"


def test_html_in_names_and_errors_is_text(published, run):
    assert "<b>bold</b>.jpg" in shown(published).text
    attack = "<script>alert(1)</script>"
    broken = facts.collect({}, run, exit_code=1, errors=[f"{attack} in {attack}.jpg"])
    assert "script" not in shown(broken).tags
    assert attack in shown(broken).text


def test_html_in_an_age_group_is_text_in_the_plot_too(published, measured):
    candidate = measured(6.0)
    candidate.by_age_group["<script>x</script>"] = candidate.overall
    found = shown(dataclasses.replace(published, evaluation=Evaluation(candidate, None, True, ())))
    assert "script" not in found.tags


def test_the_page_loads_nothing(published):
    html = report.render(published)
    found = Page(html)
    assert not found.tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    assert all(reference.startswith("#") for reference in found.references)
    assert html.count("url(") == html.count("url(#")
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_ids_are_unique_so_that_plots_do_not_mix(published):
    ids: list[str] = []

    class Ids(HTMLParser):
        def handle_starttag(self, tag, attrs):
            ids.extend(value for name, value in attrs if name == "id")

    Ids().feed(report.render(published))
    assert len(ids) == len(set(ids))


def test_no_secret_is_on_the_page(published):
    errors = ("cannot reach https://ada:pa55w0rd@mlflow.example.org/api?token=s3cr3t&x=1",)
    for run_facts in (published, dataclasses.replace(published, exit_code=1, errors=errors)):
        html = report.render(run_facts)
        assert "pa55w0rd" not in html
        assert "s3cr3t" not in html
        assert "mlflow.example.org" in html


def test_the_report_is_written_atomically_and_quickly(published, tmp_path: Path):
    path = tmp_path / "new" / "report.html"
    start = time.process_time()
    report.write_report(published, path)
    assert time.process_time() - start < 10  # a second or two
    assert path.read_text(encoding="utf-8") == report.render(published)
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
