import pytest
from tfx.types import artifact
from tfx.types.channel import Channel
from tfx.utils import import_utils

from customer_age.components.artifacts import types
from customer_age.kubeflow.artifact_types import SYSTEM_TITLES, title_for_tfx

OURS = [
    kind
    for kind in vars(types).values()
    if isinstance(kind, type) and issubclass(kind, artifact.Artifact)
]


@pytest.mark.parametrize(
    ("titles", "chosen"),
    [
        (["tfx.Examples", "system.Dataset"], "tfx.Examples"),
        (["", "tfx.Model"], "tfx.Model"),
        (["system.Dataset", "tfx.ExampleStatistics"], "tfx.ExampleStatistics"),
        (["system.Model"], "tfx.Model"),
        (
            ["customer_age.PhotoDataSet"],
            "customer_age.components.artifacts.types.PhotoDataSet",
        ),
        (["system.HTML"], "customer_age.components.artifacts.types.HtmlPage"),
        (["", ""], "customer_age.components.artifacts.types.UntypedArtifact"),
        (
            ["tfx.Artifact", "google.VertexModel"],
            "customer_age.components.artifacts.types.UntypedArtifact",
        ),
        (["someone.else.Type"], "someone.else.Type"),
    ],
)
def test_the_most_reliable_title_of_a_class_is_chosen(titles, chosen):
    assert title_for_tfx(titles) == chosen


@pytest.mark.parametrize("kind", OURS)
def test_each_of_our_types_is_found_by_its_title(kind):
    assert import_utils.import_class_by_path(title_for_tfx([kind.TYPE_NAME])) is kind


@pytest.mark.parametrize("kind", OURS)
def test_tfx_compiles_each_of_our_types(kind):
    from tfx.orchestration.kubeflow.v2 import compiler_utils

    compiled = compiler_utils.build_output_artifact_spec(Channel(type=kind))
    assert f"title: {kind.TYPE_NAME}" in compiled.artifact_type.instance_schema


def test_every_system_title_belongs_to_one_of_our_types():
    assert set(SYSTEM_TITLES) <= {kind.TYPE_NAME for kind in OURS}
    assert SYSTEM_TITLES[types.RunReportPage.TYPE_NAME] == "system.HTML"
    assert SYSTEM_TITLES[types.EdaPage.TYPE_NAME] == "system.HTML"
    assert SYSTEM_TITLES[types.RunMetrics.TYPE_NAME] == "system.Metrics"
