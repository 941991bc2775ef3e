import pytest

from customer_age.pipeline.running import node_summaries
from customer_age.pipeline.running.metadata import ArtifactRecord


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"pushed": 1, "pushed_version": "3", "champion": 1}, "version 3 published as champion"),
        (
            {"pushed": 1, "pushed_version": "3", "champion": 0},
            "version 3 published beside a better champion",
        ),
        ({"pushed": 0}, "nothing published"),
    ],
)
def test_what_was_published_is_told(properties, expected):
    outputs = {"pushed_model": ArtifactRecord("nowhere", properties)}
    assert node_summaries.summary("RegistryPusher", outputs) == expected
