"""Text tables: each row is read as written or refused with its line, or the table is refused."""

import gzip

import pytest

from customer_age.errors import SettingsError
from customer_age.files import LocalFolder
from customer_age.labels import LabelTable
from customer_age.labels.tables import text_table
from customer_age.schema.refusals import Reason

COLUMNS = {"file_name": "file_name", "real_age": "real_age"}


@pytest.fixture
def table(tmp_path):
    def write(content, name="labels.csv", columns=COLUMNS, optional=None):
        content = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(content)
        return LabelTable(LocalFolder(tmp_path), name, columns, optional or {}, None, "")

    return write


def twenty(**changed):
    """Twenty rows below a header, `p00.jpg,20` in line 2; `line_5="…"` replaces line 5."""
    lines = ["file_name,real_age", *(f"p{number:02d}.jpg,{20 + number}" for number in range(20))]
    for name, line in changed.items():
        lines[int(name.removeprefix("line_")) - 1] = line
    return "\n".join(lines) + "\n"


def read(table):
    return [(line, row["file_name"], row["real_age"]) for line, row in table.rows()]


def refused(table):
    return {line: row["detail"] for line, row in table.rows() if "problem" in row}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_quote_that_is_never_closed_is_named_by_its_line(table, end, packed):
    content = twenty(line_5='"p03.jpg,23').replace("\n", end).encode()
    name = "labels.csv.gz" if packed else "labels.csv"
    with pytest.raises(SettingsError, match=r"line 5: a quote opens a cell here and is"):
        read(table(gzip.compress(content) if packed else content, name))


def test_a_quote_that_closes_far_below_is_named_by_its_line(table):
    note = "\n".join(["x"] * (text_table.MAX_LINE_BREAKS + 2))
    content = f'file_name,real_age,note\na.jpg,20,"{note}"\nb.jpg,21,\n'
    with pytest.raises(SettingsError, match="line 2: a quote opens .* in the next 20 lines"):
        read(table(content))
    fits = content.replace("x\nx", "x", 1)
    assert read(table(fits)) == [(22, "a.jpg", "20"), (23, "b.jpg", "21")]


def test_the_open_quote_in_a_record_of_several_lines_is_named(table):
    content = 'file_name,note,real_age,more\na.jpg,"two\nlines",20,"stray\nb.jpg,x,21,y\n'
    with pytest.raises(SettingsError, match="line 3: a quote opens a cell here and is never clos"):
        read(table(content))


def test_a_quote_above_more_text_than_a_cell_can_hold_is_named_by_its_line(table):
    rows = [f"p{number:05d}.jpg,{number % 90}" for number in range(20_000)]
    rows[7] = f'"{rows[7]}'
    with pytest.raises(SettingsError, match="line 9: a quote opens a cell here and is not closed"):
        read(table("\n".join(["file_name,real_age", *rows])))


@pytest.mark.parametrize(
    ("content", "line", "below"),
    [
        (twenty(line_5='"p03.jpg,23', line_9='p07.jpg",27'), 5, 6),
        (twenty(line_5='p03.jpg,"23', line_6='p04.jpg,24"'), 5, 6),
        ('file_name,real_age,note\na.jpg,20,"nice\nb.jpg,21,fine"\nc.jpg,22,x\n', 2, 3),
    ],
    ids=["in the name", "in the age", "in a column that is not read"],
)
def test_two_stray_quotes_hide_no_row(table, content, line, below):
    with pytest.raises(SettingsError, match=f"line {line}: .* line {below}, .* a separate row"):
        read(table(content))


def test_a_name_never_continues_in_the_next_line(table):
    with pytest.raises(SettingsError, match="line 3: 'file_name' continues in quotes to line 4"):
        read(table('file_name,real_age\na.jpg,20\n"b\nc",21\n'))


def test_a_note_of_several_lines_is_not_a_row(table):
    content = 'file_name,note,real_age\na.jpg,"note, with\nline, two",20\nb.jpg,"""x""\n",21\n'
    assert read(table(content)) == [(3, "a.jpg", "20"), (5, "b.jpg", "21")]


def test_a_quote_inside_a_cell_is_a_plain_character(table):
    assert read(table('file_name,real_age\na"b.jpg,20\n')) == [(2, 'a"b.jpg', "20")]


def test_a_quote_that_ends_before_its_cell_refuses_only_its_row(table):
    found = table(twenty(line_5='"p"03.jpg,23'))
    assert len(read(found)) == 20
    assert list(refused(found)) == [5]
    assert "a closing quote is before the end" in refused(found)[5]


def test_rows_with_another_number_of_cells_are_refused_with_their_line(table):
    found = table(twenty(line_2="p00.jpg,20,5", line_7="p05.jpg", line_9="p07.jpg,27,"))
    rows = dict(found.rows())
    assert len(rows) == 20
    assert rows[2] == {
        "file_name": "p00.jpg",
        "real_age": "",
        "problem": Reason.ROW_MALFORMED,
        "detail": "the row has 3 cells, and the header has 2 cells",
    }
    assert refused(found)[7] == "the row has 1 cell, and the header has 2 cells"
    assert sorted(refused(found)) == [2, 7, 9]
    assert rows[3] == {"file_name": "p01.jpg", "real_age": "21"}


@pytest.mark.parametrize(
    ("content", "guess"),
    [
        ("file_name,real_age\na.jpg,20,5\nb.jpg,21,5\nc.jpg,22\n", "decimal commas"),
        ("file_name;real_age\na.jpg;20;5\n", "column missing in the header"),
        ("file_name,real_age\na.jpg;20\nb.jpg;21\n", "have another separator than the rows"),
    ],
)
def test_a_table_is_refused_if_most_rows_have_another_number_of_cells(table, content, guess):
    with pytest.raises(SettingsError, match=f"rows do not match the header.* line 2: .*{guess}"):
        read(table(content))


def test_half_of_the_rows_is_not_a_majority(table):
    assert len(read(table("file_name,real_age\na.jpg,20,5\nb.jpg,21\n"))) == 2


def test_blank_rows_are_skipped_with_any_number_of_cells(table):
    content = "file_name,real_age\n\n,\n , \n;;;\na.jpg,20\n,,,\n"
    assert read(table(content.replace(";;;", ",,"))) == [(6, "a.jpg", "20")]


def test_a_malformed_row_shows_no_name_if_persons_are_known(table):
    content = "file_name,real_age,card\na_4001.jpg,20,x,4001\nb.jpg,21,4002\n"
    rows = list(table(content, columns={**COLUMNS, "person": "card"}).rows())
    assert rows[0][1]["problem"] == Reason.ROW_MALFORMED
    assert "4001" not in str(rows[0])


@pytest.mark.parametrize("spoilt", ["4001.0", "4001,00", "4.00123E+15", "4,00123e+15", "4E+15"])
def test_a_card_number_that_a_spreadsheet_spoilt_is_refused(table, spoilt):
    content = f"file_name;card\na.jpg;4001\nb_4001.jpg;{spoilt}\nc.jpg;4.1\nd.jpg;40-01.e\n"
    rows = dict(table(content, columns={"file_name": "file_name", "person": "card"}).rows())
    assert [line for line, row in rows.items() if "problem" in row] == [3]
    assert "'card' is a decimal number, not a name" in rows[3]["detail"]
    assert "4001" not in str(rows[3])


def test_a_table_of_spoilt_card_numbers_is_refused(table):
    content = "file_name,card\na.jpg,4001.0\nb.jpg,4002.0\nc.jpg,\n"
    with pytest.raises(SettingsError, match="2 of 3 rows .* line 2: 'card' is a decimal") as raised:
        list(table(content, columns={"file_name": "file_name", "person": "card"}).rows())
    assert "400" not in str(raised.value).rpartition("labels.csv")[2]


@pytest.mark.parametrize(
    "content",
    [
        "file_name,real_age\nü.jpg,30\nя.jpg,41\n".encode("utf-16"),
        "\ufefffile_name\treal_age\r\nü.jpg\t30\r\nя.jpg\t41\r\n".encode("utf-16-be"),
        "\ufefffile_name,real_age\nü.jpg,30\nя.jpg,41\n".encode("utf-32-le"),
        "\ufeffsep=;\r\nfile_name;real_age\r\nü.jpg;30\r\nя.jpg;41\r\n".encode("utf-16-le"),
        "\ufeffsep=|\nfile_name|real_age\nü.jpg|30\nя.jpg|41\n".encode(),
        'SEP=;\n"file_name";real_age\nü.jpg;30\nя.jpg;41\n'.encode(),
    ],
    ids=["UTF-16", "UTF-16 of Excel", "UTF-32", "UTF-16 with sep", "sep and mark", "SEP"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_tables_encoding_and_separator_are_recognised(table, content, packed):
    name = "labels.csv.gz" if packed else "labels.csv"
    found = table(gzip.compress(content) if packed else content, name)
    assert [row[1:] for row in read(found)] == [("ü.jpg", "30"), ("я.jpg", "41")]
    last = [line for line, _ in found.rows()][-1]
    left = found.without({last})
    assert read(table(left, name)) == read(found)[:1]
    plain = gzip.decompress(left) if packed else left
    assert content.startswith(plain)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the table is empty"),
        (b"\r\n\n,,\n", "the table is empty"),
        (b"\nfile_name,real_age\na.jpg,30\n", "line 1 is empty, but it must contain"),
        (b",,\nfile_name,real_age,x\n", "line 1 is empty"),
        (b"sep=;\n\nfile_name;real_age\n", "line 2 is empty"),
        (b"real_age,file_name,real_age\n1,a.jpg,2\n", "columns 1 and 3 are all named 'real_age'"),
        ("file_name,real_age\nя.jpg,3\n".encode("cp1251"), "not text in UTF-8"),
        ("file_name,real_age\n".encode("utf-16-le"), "not text in UTF-8: it contains NUL"),
        (b"\xff\xfef\0i", "not text in UTF-16; save the table as CSV in UTF-8"),
        (b"file_name,real_age\n" + b"x" * 2**20, "line 2 has more than 1,048,576 characters"),
        (b'"file_name"s,real_age\na.jpg,3\n', "line 1: a closing quote is before the end"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(table, content, sentence):
    with pytest.raises(SettingsError, match=sentence) as raised:
        read(table(content))
    assert "\n" not in str(raised.value)
    assert "labels.csv: " in str(raised.value)


def test_two_columns_with_one_name_are_fine_if_neither_is_read(table):
    assert read(table("file_name,note,note,real_age\na.jpg,x,y,20\n")) == [(2, "a.jpg", "20")]


def test_a_column_is_found_in_either_form_of_unicode(table):
    names = {"file_name": "\u00fcber", "real_age": "real_age"}
    assert read(table("u\u0308ber,real_age\na.jpg,20\n", columns=names)) == [(2, "a.jpg", "20")]


def test_a_damaged_archive_is_one_line(table):
    packed = bytearray(gzip.compress(twenty().encode()))
    packed[20] ^= 0xFF
    with pytest.raises(SettingsError, match=r"labels\.csv\.gz: cannot be read"):
        read(table(bytes(packed), "labels.csv.gz"))


def test_a_cell_that_is_too_long_refuses_its_row(table):
    found = table(twenty(line_4="x" * 140_000 + ",22"))
    assert refused(found) == {4: "a cell has more than 131,072 characters"}


def test_a_nul_refuses_its_row(table):
    assert refused(table(twenty(line_4="p\0.jpg,22"))) == {4: "it contains a NUL character"}


def test_a_name_in_capitals_is_read_by_its_suffix(table):
    packed = gzip.compress(twenty().encode())
    assert read(table(packed, "LABELS.CSV.GZ")) == read(table(twenty()))


def test_a_table_reports_how_it_is_read(table):
    content = "\ufefffile_name;note;real_age\na.jpg;x;20\n".encode("utf-16-le")
    found = table(gzip.compress(content), "labels.csv.gz", optional={"person": "person"})
    description = found.describe()
    assert (description.name, description.kind, description.encoding) == (
        "labels.csv.gz",
        "text",
        "UTF-16",
    )
    assert (description.delimiter, description.compressed) == (";", True)
    assert description.columns == (("file_name", ""), ("note", ""), ("real_age", ""))
    assert description.read == COLUMNS
    assert description.absent == ("person",)
    assert description.dialect() == "text in UTF-16, cells separated by semicolons, gzipped"
