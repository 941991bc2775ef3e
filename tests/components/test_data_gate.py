import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from customer_age.components import data_gate
from customer_age.components.artifacts.ingestion import Ingestion
from customer_age.components.photo_example_gen import refusal_limits
from customer_age.schema import features
from customer_age.schema.refusals import Refusal
from customer_age.schema.schema_file import SCHEMA_FILE


def _ingestion(rows, **refused):
    return Ingestion(rows=rows, photos={}, refused=refused, seconds=1.0)


WRONG_AGE = Refusal(
    table="labels.csv",
    line=17,
    file_name="000015.jpg",
    reason="age_out_of_range",
    detail="real_age 999 is outside 0 to 120",
)


def test_no_refusal_gives_no_sentence():
    assert list(refusal_limits.refusal_sentences(_ingestion(50), [], 0.05, 0)) == []


def test_one_wrong_age_is_one_too_many_and_is_named():
    [sentence] = refusal_limits.refusal_sentences(
        _ingestion(5000, age_out_of_range=1), [WRONG_AGE], 0.05, max_wrong_ages=0
    )
    assert sentence.startswith("1 row without a usable age")
    assert "labels.csv, line 17, 000015.jpg: real_age 999 is outside 0 to 120" in sentence
    assert "data.max_wrong_ages" in sentence


def test_wrong_ages_within_the_limit_pass():
    ingestion = _ingestion(5000, age_out_of_range=1)
    assert not list(
        refusal_limits.refusal_sentences(ingestion, [WRONG_AGE], 0.05, max_wrong_ages=1)
    )


@pytest.mark.parametrize(("refused", "sentences"), [(5, 0), (6, 1)])
def test_the_share_of_refused_photos_is_limited_inclusively(refused, sentences):
    found = list(refusal_limits.refusal_sentences(_ingestion(100, truncated=refused), [], 0.05, 0))
    assert len(found) == sentences
    if found:
        assert "6 of 100 rows refused (6.0%: 6 truncated)" in found[0]


def test_an_identical_photo_that_is_kept_once_does_not_count():
    assert not list(refusal_limits.refusal_sentences(_ingestion(100, duplicate=50), [], 0.05, 0))


def _schema():
    return text_format.Parse(SCHEMA_FILE.read_text(), schema_pb2.Schema())


def _photos(**changed):
    columns = {
        features.IMAGE_FORMAT: ["JPEG", "PNG"],
        features.IMAGE_MODE: ["RGB", "L"],
        features.IMAGE_WIDTH: [200, 300],
        features.IMAGE_HEIGHT: [200, 200],
        features.IMAGE_BYTE_SIZE: [9000, 12000],
        features.IMAGE_SQUARENESS: [1.0, 0.67],
        features.IMAGE_BRIGHTNESS: [120.0, 90.0],
        features.IMAGE_SHARPNESS: [300.0, 20.0],
        features.REAL_AGE: [31.0, 4.5],
        features.AGE_GROUP: ["25-34", "0-12"],
        features.BATCH: ["a", "a"],
    }
    assert set(columns) == set(features.STATISTICS)
    columns.update({name.replace("__", "/"): values for name, values in changed.items()})
    return tfdv.generate_statistics_from_dataframe(pd.DataFrame(columns))


def _sentences(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> list[str]:
    anomalies = tfdv.validate_statistics(statistics, _schema())
    return list(data_gate.anomaly_sentences("train", anomalies))


def test_good_photos_agree_with_the_curated_schema():
    assert _sentences(_photos()) == []


@pytest.mark.parametrize(
    ("column", "values", "named"),
    [
        ("real_age", [31.0, 999.0], "real_age"),
        ("real_age", [31.0, -1.0], "real_age"),
        ("image__format", ["JPEG", "PDF"], "image/format"),
        ("image__mode", ["RGB", "XYZ"], "image/mode"),
        ("image__width", [0, 200], "image/width"),
        ("image__brightness", [120.0, 256.0], "image/brightness"),
        ("image__squareness", [1.0, 1.5], "image/squareness"),
    ],
)
def test_each_domain_of_the_schema_is_watched(column, values, named):
    [sentence] = _sentences(_photos(**{column: values}))
    assert sentence.startswith(f"train: {named}: ")


def test_an_unknown_feature_is_named():
    [sentence] = _sentences(_photos(shoe_size=[42, 43]))
    assert "shoe_size" in sentence


def test_an_anomaly_of_the_whole_data_set_is_reported():
    anomalies = anomalies_pb2.Anomalies()
    anomalies.dataset_anomaly_info.description = "The comparison\nfailed"
    [sentence] = data_gate.anomaly_sentences("test", anomalies)
    assert sentence == "test: The comparison failed"
