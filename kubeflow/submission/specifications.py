"""Compiled specifications as the services' APIs take them, and their caching options."""

import json
from typing import Any

import yaml

Specification = dict[str, Any]
"""Of Kubeflow: `pipeline_spec` and `platform_spec`; of Vertex AI: a PipelineJob."""

_READS_DATA = "PhotoExampleGen"
"""It looks at the data themselves, so it may be cached only where a parameter tells of them."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def of_kubeflow(compiled: str) -> Specification:
    """From YAML: a document for the pipeline, and one for the platform where there is one."""
    pipeline, *platform = yaml.load_all(compiled, Loader=_Loader)
    return {"pipeline_spec": pipeline, **({"platform_spec": platform[0]} if platform else {})}


def of_vertex(compiled: str) -> Specification:
    """From the JSON of a PipelineJob."""
    return json.loads(compiled)


def pipeline(specification: Specification) -> dict[str, Any]:
    """The PipelineSpec in it."""
    return specification.get("pipelineSpec") or specification["pipeline_spec"]


def tasks(specification: Specification) -> dict[str, Any]:
    """The tasks of the pipeline, by name; what is changed in them is changed in it."""
    return pipeline(specification)["root"]["dag"]["tasks"]


def set_caching(specification: Specification, cache: bool, data_known: bool) -> None:
    """Say which tasks may take what they did before.

    Args:
        specification: that is changed.
        cache: whether any may; the specification's own options stand then.
        data_known: whether a run parameter changes with the data, so that the task that reads
            them may too.
    """
    for name, task in tasks(specification).items():
        if not cache:
            task["cachingOptions"] = {"enableCache": False}
        elif name == _READS_DATA and data_known:
            task["cachingOptions"] = {"enableCache": True}
