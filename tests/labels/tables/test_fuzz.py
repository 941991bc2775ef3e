"""Every row of any table is read as written, or refused with its line."""

import csv
import gzip
import io
import math
import re
from collections import Counter
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from customer_age.errors import SettingsError
from customer_age.labels import LabelTable
from customer_age.schema.refusals import Reason

EXTRA = "extra/note"
HEADER = ["file_name", "note", "real_age", "other"]
READ = {"file_name": "file_name", "real_age": "real_age", EXTRA: "note"}

fuzz = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


class OneFile:
    """A data folder of one file."""

    def __init__(self, content):
        self.content = content

    def shown(self, name):
        return name

    def open(self, name):
        return io.BytesIO(self.content)


def table_of(content, name="labels.csv", read=None):
    return LabelTable(OneFile(content), name, read or READ, {}, None, "")


# Characters that are special to a parser, a spreadsheet or Unicode, more often than letters.
CELLS = st.text(
    st.sampled_from(list('""\',;\t|\n\r ab1.=\\\0\ufeff\u0085\u2028\u00a0\u00fcu\u0308я🙂\x1c')),
    max_size=12,
) | st.sampled_from(["a.jpg", "30", "30,5", "b.jpg,21", '"', '""', "", " ", "NaN", "1e3"])


@st.composite
def dialects(draw):
    return {
        "delimiter": draw(st.sampled_from(",;\t")),
        "end": draw(st.sampled_from(["\n", "\r\n", "\r"])),
        "encoding": draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"])),
        "always": draw(st.booleans()),
        "named": draw(st.booleans()),
        "packed": draw(st.booleans()),
        "open_end": draw(st.booleans()),
    }


def written(rows, how):
    """A text by the rules of CSV only: no library's writer decides what is quoted."""

    def cell(text):
        special = any(letter in text for letter in f'"{how["delimiter"]}\n\r')
        return '"' + text.replace('"', '""') + '"' if special or how["always"] else text

    lines = [how["delimiter"].join(map(cell, row)) for row in [HEADER, *rows]]
    named = [f"sep={how['delimiter']}"] if how["named"] else []
    text = how["end"].join([*named, *lines]) + ("" if how["open_end"] else how["end"])
    content = text.encode(how["encoding"])
    return gzip.compress(content) if how["packed"] else content


def name_of(how):
    return "labels.csv.gz" if how["packed"] else "labels.csv"


@fuzz
@given(st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=8), dialects())
def test_a_text_is_read_as_it_was_written(rows, how):
    assume(rows and any(cell.strip() for cell in rows[0]))
    expected = [
        (row[0].strip(), row[2].strip(), row[1].strip())
        for row in rows
        if any(cell.strip() for cell in row)
    ]
    broken = any("\n" in cell or "\r" in cell for row in rows for cell in row)
    found = table_of(written(rows, how), name_of(how))
    try:
        read = list(found.rows())
    except SettingsError as error:
        nuls = sum("\0" in "".join(row) for row in rows)
        assert re.search(r"line \d+: ", str(error))
        assert broken or 2 * nuls > len(expected)
        event("refused")
        return
    event("read")
    assert len(read) == len(expected)
    for (_, row), texts in zip(read, expected, strict=True):
        if "problem" in row:
            assert "\0" in "".join(rows[expected.index(texts)]) or any("\0" in c for c in texts)
        else:
            assert (row["file_name"], row["real_age"], row[EXTRA]) == texts
    if not broken:
        first = 2 + how["named"]
        lines = [
            first + number for number, row in enumerate(rows) if any(cell.strip() for cell in row)
        ]
        assert [line for line, _ in read] == lines


@fuzz
@given(
    st.lists(st.sampled_from(["x", 'say ""y""', "two\nlines", "a, b", ""]), min_size=6, max_size=9),
    st.lists(
        st.tuples(
            st.integers(0, 8),
            st.integers(0, 30),
            st.sampled_from(['"', '"', '""', ",", ",,", '",', ',"', ";", "\\", "'"]),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_a_damaged_row_affects_no_other(notes, damages):
    """Up to three stray characters in rows: every row without one is read, or no row is."""
    records = [
        f'p{number}.jpg,"{note}",{20 + number},o' if note else f"p{number}.jpg,,{20 + number},o"
        for number, note in enumerate(notes)
    ]
    damaged = set()
    for somewhere, there, stray in damages:
        number = somewhere % len(records)
        record = records[number]
        place = there % (len(record) + 1)
        records[number] = record[:place] + stray + record[place:]
        damaged.add(number)
    content = "\n".join([",".join(HEADER), *records]).encode()
    try:
        rows = list(table_of(content).rows())
    except SettingsError as error:
        assert re.search(r"line \d+: ", str(error))
        event("refused")
        return
    event("read")
    by_name = {row["file_name"]: row for _, row in rows}
    for number, note in enumerate(notes):
        if number not in damaged:
            assert by_name[f"p{number}.jpg"] == {
                "file_name": f"p{number}.jpg",
                "real_age": str(20 + number),
                EXTRA: note.replace('""', '"'),
            }
    assert len(rows) >= len(notes) - len(damaged)


@fuzz
@given(st.binary(max_size=80) | st.text(max_size=60).map(str.encode), st.booleans())
def test_any_bytes_are_rows_or_one_line(content, with_header):
    header = b"file_name,note,real_age,other\n" if with_header else b""
    for name in ("labels.csv", "labels.csv.gz", "labels.parquet"):
        try:
            rows = list(table_of(header + content, name).rows())
        except SettingsError as error:
            assert "\n" not in str(error)
        else:
            assert all(set(READ) <= set(row) for _, row in rows)


@fuzz
@given(
    st.lists(
        st.tuples(st.sampled_from(["x", "y", "z"]), CELLS, st.sampled_from(["1", "2"]), CELLS),
        min_size=1,
        max_size=8,
    ),
    dialects(),
)
def test_a_text_without_some_rows_has_the_others_as_they_were(rows, how):
    found = table_of(written(rows, how), name_of(how))
    try:
        before = list(found.rows())
    except SettingsError:
        assume(False)
    lines = {line for line, row in before if row["file_name"] == "x"}
    left = table_of(found.without(lines), name_of(how))
    kept = [row for line, row in before if line not in lines]
    malformed = Counter("problem" in row for row in kept)
    assume(malformed[True] <= malformed[False])
    assert [row for _, row in left.rows()] == kept


MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))
COLUMNS = st.one_of(
    st.tuples(st.just(pa.string()), st.lists(st.none() | CELLS)),
    st.tuples(st.just(pa.large_string()), st.lists(st.none() | CELLS)),
    st.tuples(st.just(pa.int64()), st.lists(st.none() | st.integers(-(2**63), 2**63 - 1))),
    st.tuples(st.just(pa.uint64()), st.lists(st.none() | st.integers(0, 2**64 - 1))),
    st.tuples(st.just(pa.bool_()), st.lists(st.none() | st.booleans())),
    st.tuples(st.just(pa.date32()), st.lists(st.none() | st.dates())),
    st.tuples(st.just(pa.timestamp("us")), st.lists(st.none() | MOMENTS)),
    st.tuples(
        st.just(pa.decimal128(20, 0)),
        st.lists(st.none() | st.integers(0, 10**19).map(Decimal)),
    ),
    st.tuples(
        st.just(pa.decimal128(20, 3)),
        st.lists(
            st.none() | st.decimals(0, 10**9, places=3, allow_nan=False, allow_infinity=False)
        ),
    ),
    st.tuples(st.just(pa.float64()), st.lists(st.none() | st.floats(allow_infinity=False))),
)


def text_of(value):
    """The text of a value, computed in another way than in the code."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str | bool):
        return value.strip() if isinstance(value, str) else str(value).lower()
    if isinstance(value, datetime):
        return value.strftime(f"{value.year:04d}-%m-%dT%H:%M:%S") + (
            f".{value.microsecond:06d}" if value.microsecond else ""
        )
    if isinstance(value, date):
        return f"{value.year:04d}-{value.month:02d}-{value.day:02d}"
    if isinstance(value, Decimal) and value.as_tuple().exponent:
        return f"{value:.3f}"
    return str(value)


@fuzz
@given(COLUMNS, st.booleans(), st.sampled_from(["person", "file_name", "real_age", EXTRA]))
def test_a_parquet_column_is_read_as_it_was_written(column, encoded, ours):
    kind, values = column
    array = pa.array(values, kind)
    assume(not (encoded and pa.types.is_decimal(kind)))
    if encoded:
        array = array.dictionary_encode()
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({"theirs": array}), sink)
    found = table_of(bytes(sink.getvalue()), "labels.parquet", {ours: "theirs"})
    fraction = kind in (pa.float64(), pa.decimal128(20, 3))
    if fraction and ours in ("person", "file_name") and any(map(text_of, values)):
        try:
            list(found.rows())
        except SettingsError as error:
            assert "column 'theirs' contains decimal numbers" in str(error)
            return
        raise AssertionError("decimal numbers were taken for names")
    assert [row[ours] for _, row in found.rows()] == [text_of(value) for value in values]
    assert [line for line, _ in found.rows()] == [number + 2 for number in range(len(values))]


@fuzz
@given(st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=6))
def test_what_pythons_writer_writes_is_read(rows):
    """The most common dialect, with its own quoting; cells contain no line ends."""
    rows = [[re.sub(r"[\r\n\0]", "", cell) for cell in row] for row in rows]
    assume(any(cell.strip() for cell in rows[0]))
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER, *rows])
    read = list(table_of(text.getvalue().encode()).rows())
    assert [tuple(row.values()) for _, row in read] == [
        (row[0].strip(), row[2].strip(), row[1].strip())
        for row in rows
        if any(cell.strip() for cell in row)
    ]
    assert not any(row.get("problem") == Reason.ROW_MALFORMED for _, row in read)
