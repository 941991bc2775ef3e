"""The exploratory data analysis: from the facts of a run to `eda.html`."""

from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from customer_age.files.store import write_whole

from ..facts.facts import RunFacts, anomalies
from . import data_tables, formatting, plots, rendering


def write_eda(facts: RunFacts, path: Path | str) -> None:
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
        "eda.html.j2",
        facts=facts,
        title=_title(facts),
        summary=list(_summary(facts)),
        about_the_photos=formatting.about_the_photos(facts.statistics),
        anomalies=anomalies(facts),
        group_counts=data_tables.group_counts(facts),
        numeric=data_tables.numeric_features(facts),
        texts=data_tables.text_features(facts),
        plots=_plots(facts),
    )


def _title(facts: RunFacts) -> str:
    if facts.ingestion is not None:
        return f"{formatting.count(sum(facts.ingestion.photos.values()))} photos"
    photos = sum(split.photos for split in facts.statistics.values())
    return f"{formatting.count(photos)} photos" if photos else "No photo was measured"


def _summary(facts: RunFacts) -> Iterator[str]:
    """Summarise the page: the refused photos, and the anomalies."""
    if facts.ingestion is not None:
        refused = sum(facts.ingestion.refused.values())
        share = refused / facts.ingestion.rows if facts.ingestion.rows else 0.0
        rows = formatting.count(facts.ingestion.rows)
        verb = "was" if refused == 1 else "were"
        yield (
            f"{formatting.count(refused)} of {rows} rows {verb} refused ({share:.1%})."
            if refused
            else f"None of {rows} rows was refused."
        )
    if facts.anomalies is not None:
        found = len(anomalies(facts))
        yield (
            f"TFDV found {formatting.count(found)} {'anomaly' if found == 1 else 'anomalies'}."
            if found
            else "TFDV found no anomaly."
        )


def _plots(facts: RunFacts) -> dict[str, Markup | None]:
    """Return the plots by name; None if the data for a plot are missing."""
    drawn: dict[str, Markup | None] = dict.fromkeys(("refused", "groups", "spreads"))
    refused = {
        reason.replace("_", " "): photos
        for reason, photos in (facts.ingestion.refused if facts.ingestion else {}).items()
        if photos
    }
    if refused:
        drawn["refused"] = plots.refusals(refused)
    if groups := data_tables.group_counts(facts):
        drawn["groups"] = plots.shares_by_age_group(groups, list(facts.statistics))
    if measures := data_tables.known_measures(facts):
        drawn["spreads"] = plots.spreads(facts.statistics, measures, "The numeric features")
    return drawn
