"""The run report: from the facts of a run to `report.html`."""

import io
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup
from ruamel.yaml import YAML

from customer_age import redaction
from customer_age.files.store import write_whole
from customer_age.schema import features

from ..facts import data_changes, gate_checks
from ..facts.facts import RunFacts, Verdict, anomalies
from . import data_tables, formatting, plots, rendering

_TONES = {Verdict.PUBLISHED: "good", Verdict.FAILED: "bad"}

_PLOTTED = (features.REAL_AGE, features.IMAGE_BRIGHTNESS, features.IMAGE_SHARPNESS)


def write_report(facts: RunFacts, path: Path | str) -> None:
    """Write the page, atomically.

    Args:
        facts: of the run, from `facts.collect`.
        path: of the HTML file; a path, or an address that `files` supports.

    Raises:
        OSError: the file cannot be written.
    """
    write_whole(str(path), render(facts).encode())


def render(facts: RunFacts) -> str:
    """Render the page as HTML without scripts, external resources and secrets."""
    return rendering.filled(
        "page.html.j2",
        facts=facts,
        title=formatting.title(facts),
        tone=_TONES.get(facts.verdict, "refused"),
        why=formatting.why(facts),
        baseline_name=gate_checks.baseline_name(facts.baseline),
        checks=gate_checks.checks(facts),
        decimals=_decimals(facts),
        canary_rows=list(_canary_rows(facts)),
        few_photos=gate_checks.FEW_PHOTOS,
        about_the_photos=formatting.about_the_photos(facts.statistics),
        anomalies=anomalies(facts),
        measures=list(data_tables.medians_and_ranges(facts)),
        group_counts=data_tables.group_counts(facts),
        batches=data_changes.batches(facts),
        changes=data_changes.changes(facts),
        splits=features.SPLITS,
        settings=_settings(facts),
        plots=_plots(facts),
    )


def _decimals(facts: RunFacts) -> int:
    """Return the decimals that show every measured error as different from its limit."""
    return max(
        (
            formatting.decimals_apart(check.measured, check.limit)
            for check in gate_checks.checks(facts)
            if check.unit == "years"
        ),
        default=2,
    )


def _canary_rows(facts: RunFacts) -> Iterator[tuple[str, str, str, str, bool]]:
    """Yield the rows of the canary's table: name, measured, limit, unit, and whether it passed."""
    for key, check in facts.canary.checks.items() if facts.canary else ():
        name, unit, decimals = formatting.CANARY_CHECKS.get(key, (key, "", 4))
        measured, limit = (f"{value:,.{decimals}f}" for value in (check.measured, check.limit))
        yield name, measured, limit, unit, check.passed


def _settings(facts: RunFacts) -> str:
    settings = redaction.hide_secret_settings(facts.run.settings)
    if not settings:
        return ""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # typed by its None
    yaml.width = 100
    text = io.StringIO()
    yaml.dump(settings, text)
    return text.getvalue()


def _plots(facts: RunFacts) -> dict[str, Markup | None]:
    """Return the plots by name; None if the data for a plot are missing."""
    drawn: dict[str, Markup | None] = dict.fromkeys(("groups", "spreads", "curves"))
    limits = facts.run.limits
    if facts.evaluation is not None and facts.evaluation.candidate.by_age_group:
        names = ("candidate", gate_checks.baseline_name(facts.baseline))
        drawn["groups"] = plots.error_by_age_group(
            facts.evaluation, names, limits.max_mae if limits else None
        )
    measures = [one for one in data_tables.known_measures(facts) if one.feature in _PLOTTED]
    if measures:
        drawn["spreads"] = plots.spreads(
            facts.statistics, measures, "Ages, brightness and sharpness in each split"
        )
    if facts.training is not None and facts.training.history:
        drawn["curves"] = plots.learning_curves(facts.training)
    return drawn
