"""Import a version's metrics into Vertex AI, so that its pages show them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import ModelServiceClient
    from google.cloud.aiplatform_v1.types import ModelEvaluationSlice

_SCHEMA = "gs://google-cloud-aiplatform/schema/modelevaluation/regression_metrics_1.0.0.yaml"
_NAMES = {"mae": "meanAbsoluteError", "rmse": "rootMeanSquaredError"}
"""Our names to the schema's; the schema has no other metrics of ours."""

_TITLE = "customer-age: test photos"
_AT_ONCE = 50
"""The most slices in one request."""


def import_evaluation(
    client: "ModelServiceClient", version: str, metrics: Mapping[str, float]
) -> None:
    """Import the metrics of a version into Vertex AI; each age group is a slice.

    Metrics that a killed publisher has already imported are not imported again.

    Args:
        client: of the region.
        version: its resource name, with `@` and the number.
        metrics: as published.
    """
    from google.cloud.aiplatform_v1.types import ModelEvaluation

    there = client.list_model_evaluations(parent=version)
    evaluation = next((each for each in there if each.display_name == _TITLE), None)
    if evaluation is None:
        evaluation = client.import_model_evaluation(
            parent=version,
            model_evaluation=ModelEvaluation(
                display_name=_TITLE, metrics_schema_uri=_SCHEMA, metrics=_vertexs(metrics)
            ),
        )
    slices = _slices(metrics)
    known = {
        each.slice_.value for each in client.list_model_evaluation_slices(parent=evaluation.name)
    }
    missing = [each for each in slices if each.slice_.value not in known]
    for first in range(0, len(missing), _AT_ONCE):
        client.batch_import_model_evaluation_slices(
            parent=evaluation.name, model_evaluation_slices=missing[first : first + _AT_ONCE]
        )


def _slices(metrics: Mapping[str, float]) -> "list[ModelEvaluationSlice]":
    from google.cloud.aiplatform_v1.types import ModelEvaluationSlice

    of_group: dict[str, dict[str, float]] = {}
    for name, value in metrics.items():
        metric, _, group = name.partition("/")
        if group:
            of_group.setdefault(group, {})[metric] = value
    spec = ModelEvaluationSlice.Slice.SliceSpec
    return [
        ModelEvaluationSlice(
            slice_=ModelEvaluationSlice.Slice(
                dimension="slice",
                value=group,
                slice_spec=spec(
                    configs={"age_group": spec.SliceConfig(value=spec.Value(string_value=group))}
                ),
            ),
            metrics_schema_uri=_SCHEMA,
            metrics=_vertexs(on_group),
        )
        for group, on_group in of_group.items()
        if _vertexs(on_group)
    ]


def _vertexs(metrics: Mapping[str, float]) -> dict[str, float]:
    return {_NAMES[name]: value for name, value in metrics.items() if name in _NAMES}
