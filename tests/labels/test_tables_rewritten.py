"""A table without some of its rows: the others stay byte by byte."""

import gzip
import io

import pandas as pd
import pytest

from customer_age.errors import SettingsError
from customer_age.files import LocalFolder
from customer_age.labels import LabelTable

COLUMNS = {"person": "card_id"}


@pytest.fixture
def table(tmp_path):
    def write(content, name="photos.csv"):
        (tmp_path / name).write_bytes(content)
        return LabelTable(LocalFolder(tmp_path), name, COLUMNS, {}, None, "")

    return write


def lines_of(table, *cards):
    return {line for line, row in table.rows() if row["person"] in cards}


@pytest.mark.parametrize(
    ("content", "left"),
    [
        (b"a,card_id\n1,x\n2,y\n3,x\n", b"a,card_id\n2,y\n"),
        (b"a;card_id\r\n1;x\r\n2;y", b"a;card_id\r\n2;y"),
        (b'\xef\xbb\xbfa,card_id\n"1,\n\n1",x\n"2\n",y\n', b'\xef\xbb\xbfa,card_id\n"2\n",y\n'),
        (b"a\tcard_id\n\n1\tx\n\n2\ty\n", b"a\tcard_id\n\n\n2\ty\n"),
        ("a,card_id\n1,x\n\u00fc,y\n".encode(), "a,card_id\n\u00fc,y\n".encode()),
        (b"a,card_id\n1,x\n", b"a,card_id\n"),
    ],
)
def test_texts_keep_their_dialect(table, content, left):
    plain = table(content)
    assert plain.without(lines_of(plain, "x")) == left
    assert plain.without(set()) == content
    zipped = table(gzip.compress(content), "photos.csv.gz")
    assert gzip.decompress(zipped.without(lines_of(zipped, "x"))) == left


def test_parquet_keeps_its_columns(table):
    frame = pd.DataFrame({"card_id": ["x", "y", "x", "z"], "number": [1, 2, 3, 4]})
    parquet = table(frame.to_parquet(), "photos.parquet")
    left = pd.read_parquet(io.BytesIO(parquet.without(lines_of(parquet, "x"))))
    assert left.to_dict("list") == {"card_id": ["y", "z"], "number": [2, 4]}
    assert dict(left.dtypes) == dict(frame.dtypes)


def test_what_cannot_be_read_is_one_line(table):
    with pytest.raises(SettingsError, match=r"photos.parquet: cannot be read"):
        table(b"no parquet", "photos.parquet").without({2})
