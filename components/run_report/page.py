"""The page: from the facts of a run to `report.html`."""

import importlib.metadata
import platform
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import jinja2
import yaml
from markupsafe import Markup

from customer_age.components.run_report import gate, plots, redaction, wording
from customer_age.components.run_report.facts import RunFacts, Verdict
from customer_age.components.run_report.photo_statistics import Spread
from customer_age.components.run_report.storage import write_atomically
from customer_age.schema import features

_LIBRARIES = ("customer-age", "tfx", "tensorflow", "keras")

_TONES = {Verdict.PUBLISHED: "good", Verdict.FAILED: "bad"}

# What is tabled of each split: the feature, its name and unit, its decimals.
_MEASURES = (
    (features.REAL_AGE, "Age, years", 0, 1),
    (features.IMAGE_WIDTH, "Width, pixels", 0, 1),
    (features.IMAGE_HEIGHT, "Height, pixels", 0, 1),
    (features.IMAGE_BYTE_SIZE, "File size, kB", 0, 1000),
    (features.IMAGE_SQUARENESS, "Shorter side over longer", 2, 1),
    (features.IMAGE_BRIGHTNESS, "Brightness, 0 to 255", 0, 1),
    (features.IMAGE_SHARPNESS, "Sharpness", 0, 1),
)

# What is plotted of each split: the feature, its name and unit, and below what it is poor.
_PLOTTED = (
    (features.REAL_AGE, "age, years", None),
    (features.IMAGE_BRIGHTNESS, "brightness, 0 to 255", wording.DARK_BELOW),
    (features.IMAGE_SHARPNESS, "sharpness", wording.BLURRED_BELOW),
)


def write_report(facts: RunFacts, path: Path | str) -> None:
    """Write the page, whole or not at all.

    Args:
        facts: of the run, from `facts.collect`.
        path: of the HTML file; a local path, or a URI that TFX's fileio knows.

    Raises:
        OSError: the file cannot be written.
    """
    write_atomically(str(path), render(facts))


def render(facts: RunFacts) -> str:
    """Make the page: HTML that loads nothing and runs nothing, without secrets."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        years=wording.years,
        signed=wording.signed,
        count=wording.count,
        duration=wording.duration,
        sentence=wording.sentence,
    )
    html = environment.get_template("page.html.j2").render(
        facts=facts,
        title=wording.title(facts),
        tone=_TONES.get(facts.verdict, "refused"),
        why=wording.why(facts),
        baseline_name=gate.baseline_name(facts.baseline),
        checks=gate.checks(facts),
        decimals=_decimals(facts),
        canary_rows=list(_canary_rows(facts)),
        few_photos=gate.FEW_PHOTOS,
        about_the_photos=wording.about_the_photos(facts.statistics),
        anomalies=_anomalies(facts),
        measures=list(_measures(facts)),
        group_counts=_group_counts(facts),
        settings=_settings(facts),
        versions=_versions(),
        plots=_plots(facts),
    )
    # On the finished page, so that no sentence, path or setting can slip past.
    return redaction.hide_credentials(html)


def _decimals(facts: RunFacts) -> int:
    """How many decimals tell every measured error from its limit."""
    return max(
        (
            wording.decimals_apart(check.measured, check.limit)
            for check in gate.checks(facts)
            if check.unit == "years"
        ),
        default=2,
    )


def _canary_rows(facts: RunFacts) -> Iterator[tuple[str, str, str, str, bool]]:
    """Rows of the canary's table: name, measured, limit, unit, and whether it passed."""
    for key, check in facts.canary.checks.items() if facts.canary else ():
        name, unit, decimals = wording.CANARY_CHECKS.get(key, (key, "", 4))
        measured, limit = (f"{value:,.{decimals}f}" for value in (check.measured, check.limit))
        yield name, measured, limit, unit, check.passed


def _anomalies(facts: RunFacts) -> dict[tuple[str, str], list[str]]:
    """The splits that an anomaly is found in, by feature and sentence."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for anomaly in facts.anomalies or ():
        found[anomaly.feature, anomaly.sentence].append(anomaly.split)
    return found


def _measures(facts: RunFacts) -> Iterator[tuple[str, list[str]]]:
    """Rows of the table of features: a name, and a text for each split."""
    for feature, name, decimals, per in _MEASURES:
        spreads = [split.spreads.get(feature) for split in facts.statistics.values()]
        if any(spreads):
            yield name, [_median_and_range(spread, decimals, per) for spread in spreads]


def _median_and_range(spread: Spread | None, decimals: int, per: float) -> str:
    if spread is None:
        return ""
    median, low, high = (
        f"{value / per:,.{decimals}f}" for value in (spread.median, spread.minimum, spread.maximum)
    )
    return f"{median} ({low} to {high})"


def _group_counts(facts: RunFacts) -> dict[str, list[int]]:
    """Photos by age group: for each, a number for each split."""
    by_split = [split.words.get(features.AGE_GROUP, {}) for split in facts.statistics.values()]
    groups = sorted({group for counts in by_split for group in counts}, key=_first_year)
    return {group: [counts.get(group, 0) for counts in by_split] for group in groups}


def _first_year(group: str) -> tuple[int, str]:
    """The youngest age of a group such as `25-34` or `65+`, to sort by."""
    digits = group.split("-", maxsplit=1)[0].rstrip("+")
    return (int(digits) if digits.isdigit() else -1, group)


def _settings(facts: RunFacts) -> str:
    settings = redaction.hide_secret_settings(facts.run.settings)
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True) if settings else ""


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue  # a page can be made where not all of the pipeline is installed
    return found


def _plots(facts: RunFacts) -> dict[str, Markup | None]:
    """The plots, by name; None where the data are not there."""
    drawn: dict[str, Markup | None] = dict.fromkeys(("groups", "spreads", "curves"))
    limits = facts.run.limits
    if facts.evaluation is not None and facts.evaluation.candidate.by_age_group:
        names = ("candidate", gate.baseline_name(facts.baseline))
        drawn["groups"] = plots.error_by_age_group(
            facts.evaluation, names, limits.max_mae if limits else None
        )
    known = {name for split in facts.statistics.values() for name in split.spreads}
    rows = [row for row in _PLOTTED if row[0] in known]
    if rows:
        drawn["spreads"] = plots.spreads(facts.statistics, rows)
    if facts.training is not None and facts.training.history:
        drawn["curves"] = plots.learning_curves(facts.training)
    return drawn
