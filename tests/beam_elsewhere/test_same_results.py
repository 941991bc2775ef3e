"""The four parts that run on Beam have the same results with external workers as in-process."""

import dataclasses
import json

import pytest

pytestmark = pytest.mark.slow

SEVEN_DIGITS = 1e-7


@pytest.fixture(scope="module")
def examples(parts, engine, tmp_path_factory):
    """The examples from this process, and those from external workers."""
    folder = tmp_path_factory.mktemp("examples")
    here = parts.ingest([], folder / "here")
    return here, parts.ingest(engine.args, folder / "elsewhere")


def _files(folder, pattern="*"):
    return {file.relative_to(folder): file.read_bytes() for file in folder.glob(pattern)}


def _summary(folder):
    summary = json.loads((folder / "ingestion.json").read_text(encoding="utf-8"))
    return {name: value for name, value in summary.items() if not name.startswith("seconds")}


def test_ingestion_writes_the_same_bytes(examples):
    here, elsewhere = examples
    expected = _files(here, "Split-*/*.gz") | _files(here, "refused.csv")
    assert len(expected) == 4
    assert _files(elsewhere, "Split-*/*.gz") | _files(elsewhere, "refused.csv") == expected
    assert _summary(here)["refused"] == {"not_an_image": 1}
    assert _summary(elsewhere) == _summary(here)


def test_statistics_are_equal(parts, engine, examples, tmp_path):
    here = _statistics(parts.statistics([], examples[0], tmp_path / "here"))
    elsewhere = _statistics(parts.statistics(engine.args, examples[0], tmp_path / "elsewhere"))
    assert len(here) == 3 * 11, "splits, and features of each"
    assert elsewhere.keys() == here.keys()
    for feature, expected in here.items():
        _require_equal(elsewhere[feature], expected, feature)


def _statistics(folder):
    """The statistics by split and feature; TFDV's order of features may differ."""
    from google.protobuf import json_format
    from tensorflow_metadata.proto.v0 import statistics_pb2

    found = {}
    for split in ("train", "valid", "test"):
        content = (folder / f"Split-{split}" / "FeatureStats.pb").read_bytes()
        message = statistics_pb2.DatasetFeatureStatisticsList.FromString(content)
        [data_set] = json_format.MessageToDict(message)["datasets"]
        for feature in data_set.pop("features"):
            found[(split, *feature["path"]["step"])] = {**feature, "data_set": data_set}
    return found


def _require_equal(found, expected, where):
    """Require equality except in the last digits, which depend on the order of additions."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for name in expected:
            _require_equal(found[name], expected[name], (*where, name))
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for number, each in enumerate(expected):
            _require_equal(found[number], each, (*where, number))
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-12), where
    else:
        assert found == expected, where


def test_the_evaluator_measures_the_same_to_seven_digits(parts, engine, examples, tmp_path):
    from customer_age.components.artifacts import evaluation

    here = evaluation.read(str(parts.evaluate([], examples[0], tmp_path / "here")))
    elsewhere = evaluation.read(
        str(parts.evaluate(engine.args, examples[0], tmp_path / "elsewhere"))
    )
    assert here.candidate.overall.mae > 1
    expected, found = dataclasses.asdict(here), dataclasses.asdict(elsewhere)
    assert _numbers(found) == pytest.approx(_numbers(expected), rel=SEVEN_DIGITS)
    for kind in ("BLESSED", "NOT_BLESSED"):
        blessings = [tmp_path / f"{name}-blessing" / kind for name in ("here", "elsewhere")]
        assert blessings[0].exists() == blessings[1].exists()


def _numbers(value, path=()):
    """Every number of nested dicts and lists by its path."""
    if isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {
            key: number for at, each in items for key, number in _numbers(each, (*path, at)).items()
        }
    return {path: value} if isinstance(value, int | float) else {}


def test_scores_are_the_same_bytes(parts, engine, tmp_path):
    here = parts.score([], tmp_path / "here")
    elsewhere = parts.score(engine.args, tmp_path / "elsewhere")
    expected = _files(here)
    assert len(expected) == 1
    assert _files(elsewhere) == expected
