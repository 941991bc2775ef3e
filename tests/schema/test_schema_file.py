from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from customer_age.schema import features, schema_file


def test_the_schema_names_what_the_statistics_read():
    schema = text_format.Parse(schema_file.SCHEMA_FILE.read_text(), schema_pb2.Schema())
    assert {feature.name for feature in schema.feature} == set(features.STATISTICS)


def test_every_feature_is_required_once():
    schema = text_format.Parse(schema_file.SCHEMA_FILE.read_text(), schema_pb2.Schema())
    for feature in schema.feature:
        assert feature.presence.min_fraction == 1.0, feature.name
        assert feature.HasField("shape"), feature.name


def test_the_statistics_read_neither_bytes_nor_names():
    names = {features.IMAGE_ENCODED, features.FILE_NAME, features.PERSON}
    assert not names & set(features.STATISTICS)
