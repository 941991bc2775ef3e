"""What travels in Beam's graph: no secret, no person, and nothing that grows with the photos."""

import base64
import bz2
import contextlib
import pickle
import re
import zlib

import apache_beam as beam
import pytest

from customer_age.components.photo_example_gen import beam_pipeline, executor, row_files
from customer_age.components.photo_example_gen.spec import IngestionSpec
from customer_age.labels import LabelRow, open_data_set, pseudonyms, tombstones
from customer_age.schema.refusals import Reason

MILLION = 10**6
MOST_BYTES = 10**6
ENCODED = re.compile(rb"[A-Za-z0-9+/=]{40,}")


def layers(content: bytes, depth: int = 0):
    """The content, and what is packed into it, as Beam packs functions and elements."""
    yield content
    if depth == 4:
        return
    for text in ENCODED.findall(content):
        with contextlib.suppress(ValueError):
            yield from layers(base64.b64decode(text), depth + 1)
    for unpack in (zlib.decompress, bz2.decompress):
        with contextlib.suppress(zlib.error, OSError, ValueError):
            yield from layers(unpack(content), depth + 1)


@pytest.fixture
def graphs(monkeypatch):
    """The portable proto of each pipeline that the executor runs."""
    made = []
    make = executor.Executor._make_beam_pipeline

    @contextlib.contextmanager
    def kept(self):
        with make(self) as pipeline:
            yield pipeline
            made.append(pipeline.to_runner_api().SerializeToString())

    monkeypatch.setattr(executor.Executor, "_make_beam_pipeline", kept)
    return made


def test_neither_the_key_nor_a_person_is_in_the_graph(batch, shown, ingest, graphs, tmp_path):
    cards = {f"4000-{number:04}": "1990-03-01" for number in range(12)}
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    key = "the key that nobody else may know"
    (tmp_path / "key").write_text(key)
    forgotten = pseudonyms.pseudonym("4000-0011", key)
    tombstones.write_person(str(inbox), forgotten, key)
    base = batch(tmp_path, "base", [shown(f"{card}.jpg", card) for card in cards], cards)
    batch(inbox, "monday", [shown(f"a {card}.jpg", card) for card in cards], cards)
    result = ingest(
        base,
        tmp_path / "examples",
        inbox=str(inbox),
        batches="monday",
        person_key_file=str(tmp_path / "key"),
    )
    assert result.summary["refused"] == {"forgotten": 2}
    [graph] = graphs
    unpacked = list(layers(graph))
    assert any(b"stored_size" in layer for layer in unpacked)  # functions are looked into
    # Whole values: "4000" alone is sometimes in a random name or an address in memory.
    for secret in (key, forgotten, *cards, *cards.values(), str(tmp_path / "key"), str(inbox)):
        assert not any(secret.encode() in layer for layer in unpacked), secret
    assert not list(result.uri.rglob("rows"))


def test_the_graph_of_a_million_rows_is_small():
    spec = IngestionSpec(age_groups=("0-17", "18+"))
    pipeline = beam.Pipeline()
    files = -(-MILLION // row_files.ROWS_PER_FILE)
    pipeline | beam_pipeline.Ingest("", MILLION, files, spec, "gs://bucket/cache/key/attempt")
    assert len(pipeline.to_runner_api().SerializeToString()) < MOST_BYTES


def test_a_data_set_goes_to_no_other_process(hand_out, photo):
    data_set = open_data_set(str(hand_out([("a.jpg", 30, photo(1))])), person_key="secret")
    with pytest.raises(TypeError, match="persons' key"):
        pickle.dumps(data_set)


def row(number: int, **changes) -> LabelRow:
    values = {
        "table": "monday/photos.csv", "line": number, "file_name": "Käse\n\udcff.jpg",
        "age": "33.9590", "split": None, "person": "ab" * 16, "batch": "monday",
        "extras": (("extra/mood", "good"),), "photo": f"/data/{number}.jpg", "byte_size": 7,
        "problem": None, "detail": "", "captured": "2024-03-01",
    }  # fmt: skip
    return LabelRow(**{**values, **changes})


@pytest.mark.parametrize("count", [0, 1, 5, 6, 7])
def test_rows_come_back_as_they_were(monkeypatch, tmp_path, count):
    monkeypatch.setattr(row_files, "ROWS_PER_FILE", 3)
    refused = {"problem": Reason.FILE_MISSING, "detail": "gone", "split": "train", "extras": ()}
    rows = [row(number, **(refused if number % 2 else {})) for number in range(count)]
    files = row_files.write(str(tmp_path), iter(rows))
    assert files == -(-count // 3)
    found = [each for number in range(files) for each in row_files.read(number, str(tmp_path))]
    assert found == rows
    assert all(type(each.problem) in (Reason, type(None)) for each in found)
    row_files.delete(str(tmp_path))
    assert not list(tmp_path.iterdir())
