"""The rows of the tables about the data, and the features that are plotted."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from customer_age.schema import features

from ...artifacts.statistics import Spread
from ..facts.facts import RunFacts
from . import formatting

MOST_VALUES = 12
"""The number of values of a text feature that a table shows."""


@dataclass(frozen=True)
class Measure:
    """A numeric feature as the pages show it.

    Attributes:
        feature: its name in an example.
        name: its name on the page, with its unit.
        decimals: to print.
        per: the number of the feature's own units in one of the page's units.
        poor_below: in the page's unit; plots shade the values below it.
    """

    feature: str
    name: str
    decimals: int = 0
    per: float = 1
    poor_below: float | None = None

    def text(self, value: float, more: int = 0) -> str:
        """Format a value in the page's unit, with `more` additional decimals."""
        return f"{value / self.per:,.{self.decimals + more}f}"


MEASURES = (
    Measure(features.REAL_AGE, "Age, years"),
    Measure(features.IMAGE_WIDTH, "Width, pixels"),
    Measure(features.IMAGE_HEIGHT, "Height, pixels"),
    Measure(features.IMAGE_BYTE_SIZE, "File size, kB", per=1000),
    Measure(features.IMAGE_SQUARENESS, "Shorter side over longer", decimals=2),
    Measure(features.IMAGE_BRIGHTNESS, "Brightness, 0 to 255", poor_below=formatting.DARK_BELOW),
    Measure(features.IMAGE_SHARPNESS, "Sharpness", poor_below=formatting.BLURRED_BELOW),
)

_TEXTS = {
    features.IMAGE_FORMAT: "Format",
    features.IMAGE_MODE: "Colour mode",
    features.BATCH: "Batch",
}


@dataclass(frozen=True)
class TextTable:
    """The values of a text feature.

    Attributes:
        name: of the feature on the page.
        counted: the heading of the first column.
        rows: value to the number of photos in each split, as text.
    """

    name: str
    counted: str
    rows: dict[str, list[str]]


def medians_and_ranges(facts: RunFacts) -> Iterator[tuple[str, list[str]]]:
    """Yield the rows of the short table of numeric features: a name, and a text per split."""
    for measure in known_measures(facts):
        spreads = [split.spreads.get(measure.feature) for split in facts.statistics.values()]
        yield measure.name, [_median_and_range(spread, measure) for spread in spreads]


def known_measures(facts: RunFacts) -> list[Measure]:
    """Return the numeric features that were measured in any split."""
    known = {name for split in facts.statistics.values() for name in split.spreads}
    return [measure for measure in MEASURES if measure.feature in known]


def numeric_features(facts: RunFacts) -> dict[str, dict[str, list[str]]]:
    """Return the long table of numeric features: name to split to texts.

    The texts are the photos with and without a value, the mean, the standard deviation, the
    lowest value, the median and the highest.
    """
    return {
        measure.name: {
            split: _all_of(found.spreads[measure.feature], measure)
            for split, found in facts.statistics.items()
            if measure.feature in found.spreads
        }
        for measure in known_measures(facts)
    }


def text_features(facts: RunFacts) -> list[TextTable]:
    """Return the most frequent values of each text feature; the age group has its own table."""
    return [
        table
        for feature, name in _TEXTS.items()
        if (table := _text_table(facts, feature, name)) is not None
    ]


def group_counts(facts: RunFacts) -> dict[str, list[int]]:
    """Return the photos by age group: for each group, a number per split."""
    by_split = [split.words.get(features.AGE_GROUP, {}) for split in facts.statistics.values()]
    groups = sorted({group for counts in by_split for group in counts}, key=_first_year)
    return {group: [counts.get(group, 0) for counts in by_split] for group in groups}


def _median_and_range(spread: Spread | None, measure: Measure) -> str:
    if spread is None:
        return ""
    low, high = measure.text(spread.minimum), measure.text(spread.maximum)
    # On a narrow page the line must break before the range, not within it.
    return f"{measure.text(spread.median)} ({low}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{high})"


def _all_of(spread: Spread, measure: Measure) -> list[str]:
    counts = [formatting.count(spread.photos), formatting.count(spread.missing)]
    values = (spread.minimum, spread.median, spread.maximum)
    between = [measure.text(value, more=1) for value in (spread.mean, spread.deviation)]
    return [*counts, *between, *(measure.text(value) for value in values)]


def _text_table(facts: RunFacts, feature: str, name: str) -> TextTable | None:
    by_split = [split.words.get(feature, {}) for split in facts.statistics.values()]
    totals: dict[str, int] = defaultdict(int)
    for counts in by_split:
        for value, photos in counts.items():
            totals[value] += photos
    if not totals or list(totals) == [""]:
        return None
    frequent = sorted(totals, key=lambda value: (-totals[value], value))
    shown, others = frequent[:MOST_VALUES], frequent[MOST_VALUES:]
    rows = {
        value: [formatting.count(counts.get(value, 0)) for counts in by_split] for value in shown
    }
    if others:
        rows[f"{formatting.count(len(others))} others"] = [
            formatting.count(sum(counts.get(value, 0) for value in others)) for counts in by_split
        ]
    return TextTable(name, f"Photos by {name[0].lower()}{name[1:]}", rows)


def _first_year(group: str) -> tuple[int, str]:
    """Return the lowest age of a group such as `25-34` or `65+`, as a sort key."""
    digits = group.split("-", maxsplit=1)[0].rstrip("+")
    return (int(digits) if digits.isdigit() else -1, group)
