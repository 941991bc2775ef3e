"""The report on a data set, as tables on a terminal."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from customer_age.labels.tables import TableDescription

from ..data_check.data_report import ESTIMATED, OFFICIAL, Ages, DataReport, DataSetReport

_WIDTH_OF_FILES = 120
"""Columns."""
_LONGEST_BAR = 24
_BAR = "█"


def print_report(report: DataReport) -> None:
    """Print the whole report."""
    console = Console(highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, emoji=False, markup=False, width=_WIDTH_OF_FILES)
    for data_set in report.data_sets:
        console.print(_data_set(data_set))
        console.print()
    console.print(_totals(report))
    if report.ages:
        console.print()
        console.print(_groups(report.ages))
    if report.refused:
        console.print()
        console.print(_refused(report))
    if not report.photos_opened:
        console.print()
        console.print(
            "No photo was opened: a run may refuse more rows. Use --photos to open each photo.",
            style="dim",
        )


def _data_set(data_set: DataSetReport) -> Table:
    table = _pairs()
    table.add_row("batch" if data_set.batch else "data set", _printable(data_set.folder))
    table.add_row("layout", data_set.layout)
    for each in data_set.tables:
        table.add_row("table", f"{each.name}: {each.dialect()}")
        table.add_row("", _columns(each))
    table.add_row("rows", f"{data_set.rows:,}; {data_set.photos:,} are usable")
    return table


def _columns(table: TableDescription) -> str:
    """Describe the columns that are read, under which name, and those that are not read."""
    read = [
        theirs if ours == theirs else f"{theirs} (as {ours})" for ours, theirs in table.read.items()
    ]
    others = [name for name, _ in table.columns if name not in table.read.values()]
    ignored = f"; not read: {', '.join(others)}" if others else ""
    return _printable(f"columns read: {', '.join(read)}{ignored}")


def _totals(report: DataReport) -> Table:
    table = _pairs()
    if len(report.data_sets) > 1:
        table.add_row("total", f"{report.rows:,} rows; {report.photos:,} are usable")
    people = "no column for them" if report.people is None else f"{report.people:,}"
    table.add_row("people", people)
    table.add_row("splits", _splits(report.splits, report.splits_are))
    if report.ages:
        low, middle, high = report.ages.quartiles
        table.add_row(
            "ages",
            f"{report.ages.youngest} to {report.ages.oldest} years; median {middle}, "
            f"half of the photos from {low} to {high}",
        )
    return table


def _splits(splits: Mapping[str, int], are: str) -> str:
    listed = ", ".join(f"{number:,} {split}" for split, number in splits.items())
    if are == ESTIMATED:
        return f"about {listed} (assigned by the run)"
    return f"{listed} (the data set's own)" if are == OFFICIAL else listed


def _groups(ages: Ages) -> Table:
    table = Table("age group", box=None, pad_edge=False)
    table.add_column("photos", justify="right")
    table.add_column("")
    most = max(ages.groups.values())
    for group, number in ages.groups.items():
        # Show a bar even for a single photo.
        bar = _BAR * max(round(_LONGEST_BAR * number / most), bool(number))
        table.add_row(group, f"{number:,}", bar)
    return table


def _refused(report: DataReport) -> Table:
    table = Table("refused", box=None, pad_edge=False)
    table.add_column("rows", justify="right")
    table.add_column("first examples", overflow="fold")
    for reason, number in report.refused.items():
        head = (reason, f"{number:,}")
        for refusal in report.first_refused[reason]:
            table.add_row(*head, _printable(refusal.sentence()))
            head = ("", "")
    return table


def _printable(text: str) -> str:
    """Replace control and undecoded characters by ?, because names come from outside."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _pairs() -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(min_width=8, style="bold")
    table.add_column(overflow="fold")
    return table
