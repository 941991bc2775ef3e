"""Prints versions of the model registry as tables on a terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from customer_age.model_registry import FORCED, MAE, ModelVersion

_OVERALL = ("mae", "rmse", "bias", "photos")
_GROUP_PREFIX = f"{MAE}/"
_DATA = "data_fingerprint"
_WIDTH_OF_FILES = 160
"""Columns."""


def print_list(versions: Sequence[ModelVersion]) -> None:
    """Print a line for each version, newest first."""
    if not versions:
        _console().print("no version yet; `customer-age run` publishes one")
        return
    table = _table("version", "", "published", "MAE, years", "test photos", "measured against")
    for version in reversed(versions):
        table.add_row(
            version.version,
            _marks(version),
            f"{version.created:%Y-%m-%d %H:%M} UTC",
            _number(version, MAE),
            _number(version, "photos", 0),
            _baseline(version),
        )
    _console().print(table)


def print_version(version: ModelVersion) -> None:
    """Print everything that is known about a version."""
    console = _console()
    marks = _marks(version)
    console.print(f"[bold]version {version.version}[/]{f', {marks}' if marks else ''}")
    console.print(f"{version.created:%Y-%m-%d %H:%M} UTC  {version.uri}", style="dim")
    if version.description:
        console.print(Markdown(version.description))
    for title, content in (("Lineage", version.tags), ("Settings", version.settings)):
        if content:
            table = _table(title, "")
            for name, value in sorted(content.items()):
                table.add_row(name, value)
            console.print(table)


def print_comparison(one: ModelVersion, other: ModelVersion) -> None:
    """Print the errors of two versions and their difference, overall and by age group."""
    table = _table("", f"version {one.version}", f"version {other.version}", "difference")
    for metric in _OVERALL:
        _add_comparison(table, metric, one, other)
    table.add_section()
    for metric in _groups(one, other):
        _add_comparison(table, metric, one, other)
    console = _console()
    console.print(table)
    if one.tags.get(_DATA) != other.tags.get(_DATA):
        console.print(
            "Measured on different data: a difference may be the photos', not the model's.",
            style="yellow",
        )


def _add_comparison(table: Table, metric: str, one: ModelVersion, other: ModelVersion) -> None:
    decimals = 0 if metric == "photos" else 2
    values = one.metrics.get(metric), other.metrics.get(metric)
    difference = ""
    if values[0] is not None and values[1] is not None:
        difference = f"{values[1] - values[0]:+,.{decimals}f}"
    cells = (_number(version, metric, decimals) for version in (one, other))
    table.add_row(metric, *cells, difference)


def _groups(*versions: ModelVersion) -> Iterator[str]:
    names = {name for each in versions for name in each.metrics if name.startswith(_GROUP_PREFIX)}
    yield from sorted(names, key=_first_year)


def _first_year(metric: str) -> int:
    digits = metric.removeprefix(_GROUP_PREFIX).split("-")[0].rstrip("+")
    return int(digits) if digits.isdigit() else -1


def _marks(version: ModelVersion) -> str:
    marks = list(version.aliases)
    if FORCED in version.tags:
        marks.append("forced")
    elif not version.blessed:
        marks.append("never blessed")
    return ", ".join(marks)


def _baseline(version: ModelVersion) -> str:
    baseline = version.tags.get("baseline_version")
    name = f"version {baseline}" if baseline else version.tags.get("baseline_kind", "")
    theirs, mine = version.metrics.get("baseline_mae"), version.metrics.get(MAE)
    if theirs is None or mine is None:
        return name
    return f"{name}: {abs(theirs - mine):.2f} {'better' if mine <= theirs else 'worse'}"


def _number(version: ModelVersion, metric: str, decimals: int = 2) -> str:
    value = version.metrics.get(metric)
    return "" if value is None else f"{value:,.{decimals}f}"


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column(first)
    for name in others:
        numeric = name.startswith(("MAE", "test photos", "version ", "difference"))
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    return table


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:  # a file has no width
        console.width = _WIDTH_OF_FILES
    return console
