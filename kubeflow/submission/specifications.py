"""Compiled specifications in the form that the services' APIs accept, and their caching options."""

import json
from typing import Any

import yaml

Specification = dict[str, Any]
"""Of Kubeflow: `pipeline_spec` and `platform_spec`; of Vertex AI: a PipelineJob."""

_READS_DATA = "PhotoExampleGen"
"""It reads the data itself, so it may be cached only if a parameter changes with the data."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def of_kubeflow(compiled: str) -> Specification:
    """Read YAML: one document for the pipeline, and optionally one for the platform."""
    pipeline, *platform = yaml.load_all(compiled, Loader=_Loader)
    return {"pipeline_spec": pipeline, **({"platform_spec": platform[0]} if platform else {})}


def of_vertex(compiled: str) -> Specification:
    """Read the JSON of a PipelineJob."""
    return json.loads(compiled)


def pipeline(specification: Specification) -> dict[str, Any]:
    """Return the PipelineSpec in a specification."""
    return specification.get("pipelineSpec") or specification["pipeline_spec"]


def tasks(specification: Specification) -> dict[str, Any]:
    """Return the pipeline's tasks by name; changes to them change the specification."""
    return pipeline(specification)["root"]["dag"]["tasks"]


def set_caching(specification: Specification, cache: bool, data_known: bool) -> None:
    """Set which tasks may reuse cached results.

    Args:
        specification: is changed in place.
        cache: whether any task may; if so, the specification's own options stay.
        data_known: whether a run parameter changes with the data, so that the task that reads
            the data may reuse cached results as well.
    """
    for name, task in tasks(specification).items():
        if not cache:
            task["cachingOptions"] = {"enableCache": False}
        elif name == _READS_DATA and data_known:
            task["cachingOptions"] = {"enableCache": True}
