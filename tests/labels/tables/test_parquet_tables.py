"""Parquet: each column is converted to text from its own type, or refused with a reason."""

import subprocess
import sys
from datetime import date, datetime, timezone
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet

from customer_age.errors import SettingsError
from customer_age.files import LocalFolder
from customer_age.labels import LabelSpec, LabelTable, open_data_set, pseudonyms
from customer_age.labels.cards import profiles

CARD = {"person": "card_id"}


@pytest.fixture
def table(tmp_path):
    """Write a Parquet file of columns, and return a table that reads some of them."""

    def write(columns, read, name="photos.parquet", types=None):
        arrays = {
            column: values if isinstance(values, pa.Array) else pa.array(values)
            for column, values in columns.items()
        }
        parquet.write_table(pa.table(arrays), tmp_path / name)
        return LabelTable(LocalFolder(tmp_path), name, read, {}, None, "")

    return write


def texts(table):
    return [tuple(row.values()) for _, row in table.rows()]


UTC = timezone.utc
MOMENT = datetime(2026, 2, 28, 23, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([4001, None, -7], pa.int64()), ["4001", "", "-7"]),
        (pa.array([2**64 - 1, None], pa.uint64()), ["18446744073709551615", ""]),
        (pa.array([9_007_199_254_740_993, None], pa.int64()), ["9007199254740993", ""]),
        (pa.array(["0042", None, " x "], pa.large_string()), ["0042", "", "x"]),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", "", "a"]),
        (pa.array([4001, None, 4001]).dictionary_encode(), ["4001", "", "4001"]),
        (pa.array([True, None, False]), ["true", "", "false"]),
        (pa.array([date(1990, 2, 28), None]), ["1990-02-28", ""]),
        (pa.array([date(1990, 2, 28), None], pa.date64()), ["1990-02-28", ""]),
        (pa.array([datetime(2026, 2, 28, 10, 15), None], pa.timestamp("ns")),
         ["2026-02-28T10:15:00", ""]),
        (pa.array([MOMENT, None], pa.timestamp("us", "UTC")), ["2026-02-28T23:15:00+00:00", ""]),
        (pa.array([MOMENT], pa.timestamp("ns", "Europe/Berlin")), ["2026-03-01T00:15:00+01:00"]),
        (pa.array([MOMENT], pa.timestamp("ms", "+05:30")), ["2026-03-01T04:45:00+05:30"]),
        (pa.array([datetime(1960, 1, 2, 3, 4, 5, 7)], pa.timestamp("us")),
         ["1960-01-02T03:04:05.000007"]),
        (pa.array([Decimal("4001"), None], pa.decimal128(38, 0)), ["4001", ""]),
        (pa.array([b"a.jpg", None, "ü".encode()]), ["a.jpg", "", "ü"]),
        (pa.array([None, None], pa.null()), ["", ""]),
        (pa.array([None, float("nan")], pa.float64()), ["", ""]),
    ],
    ids=str,
)  # fmt: skip
def test_a_column_is_read_by_its_type(table, column, expected):
    assert texts(table({"card_id": column}, CARD)) == [(text,) for text in expected]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([30.0, None, 31.25, float("nan")]), ["30.0", "", "31.25", ""]),
        (pa.array([30, None], pa.int8()), ["30", ""]),
        (pa.array([Decimal("31.50"), None]), ["31.50", ""]),
        (pa.array([0.1], pa.float32()), [repr(pa.scalar(0.1, pa.float32()).as_py())]),
    ],
)
def test_an_age_may_have_a_fraction(table, column, expected):
    assert texts(table({"real_age": column}, {"real_age": "real_age"})) == [
        (text,) for text in expected
    ]


@pytest.mark.parametrize("ours", ["person", "file_name", "consent", "batch", "split"])
@pytest.mark.parametrize(
    "column", [pa.array([4001.0, None]), pa.array([None, Decimal("4001.00")])], ids=str
)
def test_decimal_numbers_are_not_names(table, ours, column, tmp_path):
    read = table({"the column": column}, {ours: "the column"})
    with pytest.raises(
        SettingsError, match="column 'the column' contains decimal numbers"
    ) as raised:
        texts(read)
    assert "4001" not in str(raised.value).replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("column", "word"),
    [
        (pa.array([["a.jpg"]]), "list<"),
        (pa.array([{"x": 1}]), "struct<"),
        (pa.array([1000], pa.duration("us")), "duration"),
        (pa.array([5], pa.time32("s")), "time32"),
        (pa.array([b"\xff\xfe"]), "not text in UTF-8"),
    ],
)
def test_a_column_that_is_not_text_is_refused_with_its_name_and_type(table, column, word):
    with pytest.raises(
        SettingsError, match=r"photos\.parquet: column 'card_id'.*" + word
    ) as raised:
        texts(table({"card_id": column}, CARD))
    assert "\n" not in str(raised.value)


def test_columns_that_are_not_read_may_be_anything(table):
    columns = {"card_id": ["x", "y"], "parts": [[1], [2]], "a.b": [{"c": 1}, {"c": 2}]}
    assert texts(table(columns, CARD)) == [("x",), ("y",)]


def test_two_columns_with_one_name_are_refused(tmp_path):
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["card_id", "card_id"])
    parquet.write_table(twice, tmp_path / "photos.parquet")
    found = LabelTable(LocalFolder(tmp_path), "photos.parquet", CARD, {}, None, "")
    with pytest.raises(SettingsError, match="columns 1 and 2 are all named 'card_id'"):
        texts(found)


def test_rows_are_counted_if_no_column_is_read(table):
    assert len(texts(table({"x": [1, 2, 3]}, {}))) == 3


def test_line_numbers_continue_across_record_batches(table):
    numbers = list(range(40_000))
    rows = list(table({"card_id": numbers}, CARD).rows())
    assert [line for line, _ in rows] == [number + 2 for number in numbers]
    assert [row["person"] for _, row in rows] == [str(number) for number in numbers]


def test_a_card_number_with_a_gap_below_it_is_the_card(tmp_path, table):
    """int64 with one null became 4001.0: not masked, not forgotten, and `card_unknown`."""
    for name in ("a_4001.jpg", "b_4002.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(b"photo")
    table(
        {
            "file_name": ["a_4001.jpg", "b_4002.jpg", "c.jpg"],
            "card_id": [4001, 4002, None],
            "captured_at": [datetime(2024, 3, 1)] * 3,
        },
        CARD,
    )
    table(
        {
            "card_id": [4001, 4002, None],
            "date_of_birth": [date(1990, 3, 1)] * 3,
            "consent": [True, False, True],
        },
        CARD,
        "cards.parquet",
    )
    a, b, c = open_data_set(str(tmp_path), person_key="key").rows()
    hidden = pseudonyms.pseudonym("4001", "key")
    assert (a.problem, a.person, a.file_name) == (None, hidden, f"a_{hidden[:12]}.jpg")
    assert float(a.age) == pytest.approx(34, abs=0.1)
    assert b.problem == "no_consent"
    assert "4002" not in b.file_name
    assert c.person == ""


def test_profiles_in_parquet_and_photos_in_a_text_name_the_same_card(table, tmp_path):
    table(
        {"card_id": [4001, None], "date_of_birth": [date(1990, 3, 1)] * 2, "consent": [1, None]},
        CARD,
        "cards.parquet",
    )
    opened = profiles.open_profiles(str(tmp_path / "cards.parquet"), profiles.COLUMNS)
    assert opened.of({"4001"}) == {
        "4001": [{"date_of_birth": "1990-03-16", "consent": "1", "updated_at": ""}]
    }


def test_parquet_is_read_without_pandas(tmp_path, table):
    table(
        {
            "file_name": pa.array(["a.jpg", None]).dictionary_encode(),
            "real_age": [30.5, None],
            "person": [4001, None],
            "day": pa.array([MOMENT, None], pa.timestamp("ns", "Europe/Berlin")),
            "amount": [Decimal("1.5"), None],
        },
        CARD,
        "labels.parquet",
    )
    (tmp_path / "a.jpg").write_bytes(b"photo")
    code = (
        "import sys; from customer_age.labels import LabelSpec, open_data_set;"
        f"spec = LabelSpec(keep_columns=('day', 'amount'));"
        f"rows = list(open_data_set({str(tmp_path)!r}, spec).rows());"
        "assert rows[0].age == '30.5' and rows[0].extras[1][1] == '1.5', rows;"
        "print({'pandas', 'tensorflow', 'apache_beam', 'tfx'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "set()"


def test_a_file_that_is_cut_off_is_one_line(tmp_path, table):
    found = table({"card_id": [f"{number:x}" for number in range(5000)]}, CARD)
    file = tmp_path / "photos.parquet"
    content = bytearray(file.read_bytes())
    content[40:4000] = bytes(3960)
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="cannot be read as Parquet") as raised:
        texts(found)
    assert "\n" not in str(raised.value)


def test_kept_columns_are_read_as_they_are(tmp_path, table):
    table(
        {"file_name": ["a.jpg"], "real_age": [30], "height": [1.75], "shop": [7]},
        CARD,
        "labels.parquet",
    )
    (tmp_path / "a.jpg").write_bytes(b"photo")
    (row,) = open_data_set(str(tmp_path), LabelSpec(keep_columns=("height", "shop"))).rows()
    assert [text for _, text in row.extras] == ["1.75", "7"]


def test_a_table_reports_the_types_of_its_columns(table):
    description = table({"card_id": [4001, None], "day": [date(2026, 1, 1)] * 2}, CARD).describe()
    assert (
        description.kind,
        description.encoding,
        description.delimiter,
        description.compressed,
    ) == ("parquet", "", "", False)
    assert description.columns == (("card_id", "int64"), ("day", "date32[day]"))
    assert (description.read, description.absent, description.dialect()) == (CARD, (), "Parquet")
