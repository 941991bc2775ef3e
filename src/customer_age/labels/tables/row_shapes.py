"""Convert the records of a text to rows, and mark the records that do not match the header."""

from collections import Counter
from collections.abc import Iterable, Iterator

from customer_age.errors import SettingsError
from customer_age.schema.features import EXTRA
from customer_age.schema.refusals import Reason

from .columns import Columns, is_spoilt_number
from .dialect import Dialect
from .text_table import Record, cells_of

Row = dict[str, str]


class RowShapes:
    """Returns the rows of one text, and checks their shape.

    A table is refused after its last row if most of its rows do not match the header.
    """

    def __init__(self, columns: Columns, dialect: Dialect, path: str) -> None:
        self._columns = columns
        self._dialect = dialect
        self._path = path
        self._present = columns.present()
        self._empty = dict.fromkeys(columns.places, "")
        self._person = columns.places.get("person")
        self._malformed: list[tuple[int, str]] = []
        self._counts: Counter[int] = Counter()
        """The number of malformed rows for each number of cells."""

    def rows(self, records: Iterable[Record]) -> Iterator[tuple[int, Row]]:
        """Yield the line and the texts of each row, or its problem.

        Args:
            records: of the text, without the header.

        Raises:
            SettingsError: a record contains other rows, or most rows are malformed.
        """
        width, total, present, person = len(self._columns.there), 0, self._present, self._person
        absent = {ours: "" for ours, place in self._columns.places.items() if place is None}
        for record in records:
            line, cells, problem, further_lines = record
            if further_lines:
                self._require_no_rows_in(record)
            if len(cells) == width and not problem:
                row = {ours: cells[place].strip() for ours, place in present}
                if not any(row.values()) and _is_blank(cells):
                    continue
                if absent:
                    row |= absent
                if person is not None:
                    problem = self._spoilt(row)
            elif _is_blank(cells) and not problem:
                continue
            else:
                problem = problem or self._wrong_count(cells)
            total += 1
            if problem:
                self._malformed.append((line, problem))
                row = self._refused(cells, problem)
            yield line, row
        if 2 * len(self._malformed) > total:
            raise self._refused_table(total)

    def _refused(self, cells: list[str], problem: str) -> Row:
        # The columns of the cells are not known, so a name may be a card number.
        place = self._columns.places.get("file_name")
        named = place is not None and place < len(cells) and self._person is None
        name = cells[place].strip() if named and place is not None else ""
        shown = {"file_name": name} if place is not None else {}
        return {**self._empty, **shown, "problem": Reason.ROW_MALFORMED, "detail": problem}

    def _wrong_count(self, cells: list[str]) -> str:
        self._counts[len(cells)] += 1
        width = len(self._columns.there)
        return f"the row has {_cells(len(cells))}, and the header has {_cells(width)}"

    def _spoilt(self, row: Row) -> str:
        if not is_spoilt_number(row["person"]):
            return ""
        return (
            f"{self._columns.theirs['person']!r} is a decimal number, not a name, as spreadsheets "
            "and pandas write long or missing numbers; save it as text or as whole numbers"
        )

    def _require_no_rows_in(self, record: Record) -> None:
        """Check that a quoted cell of several lines does not contain rows."""
        first, last = record.line - len(record.further_lines), record.line
        for number, line in enumerate(record.further_lines, first + 1):
            if any(
                self._columns.looks_like_row(cells, inner=number < last)
                for cells in cells_of(line, self._dialect)
            ):
                raise SettingsError(
                    f"{self._path}: line {first}: a quoted cell opens here and continues to line "
                    f"{number}, which looks like a separate row; delete the quote, or close it"
                )
        for ours, place in self._present:
            in_cell = record.cells[place].strip() if place < len(record.cells) else ""
            if not ours.startswith(EXTRA) and ("\n" in in_cell or "\r" in in_cell):
                raise SettingsError(
                    f"{self._path}: line {first}: {self._columns.theirs[ours]!r} continues in "
                    f"quotes to line {record.line}; delete the opening quote, or the line ends"
                )

    def _refused_table(self, total: int) -> SettingsError:
        line, problem = self._malformed[0]
        return SettingsError(
            f"{self._path}: {len(self._malformed)} of {total} rows do not match the header. The "
            f"first is line {line}: {problem}{self._guess()}"
        )

    def _guess(self) -> str:
        if not self._counts:
            return ""
        width, (usual, _) = len(self._columns.there), self._counts.most_common(1)[0]
        if usual < width:
            return ". The header may have another separator than the rows: save the table again"
        if self._dialect.delimiter == ",":
            return ". Are there decimal commas? Save the table with ; between cells, or with quotes"
        return ". Is a column missing in the header? Save the table with quotes around cells"


def _is_blank(cells: list[str]) -> bool:
    return not any(cell.strip() for cell in cells)


def _cells(count: int) -> str:
    return f"{count} cell" if count == 1 else f"{count} cells"
