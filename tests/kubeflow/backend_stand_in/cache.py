"""Whether a task must run: backend/src/v2/driver/cache.go, backend/src/v2/cacheutils/cache.go."""

import hashlib
import json

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as specs

from .template import Task


def fingerprint(task: Task, made: specs.ExecutorInput) -> str:
    """Return a task's cache key: GenerateCacheKey and GenerateFingerPrint.

    It contains only the number of an input artifact, an output artifact without its URI, and the
    command with its placeholders. It is empty if the task does not enable the cache.
    """
    options = task.spec.caching_options
    if not options.enable_cache:
        return ""
    if options.cache_key:
        text = f"{task.spec.component_ref.name}\0{options.cache_key}"
        return hashlib.sha256(text.encode()).hexdigest()
    outputs = {}
    for name, artifacts in made.outputs.artifacts.items():
        outputs[name] = json_format.MessageToDict(artifacts.artifacts[0])
        del outputs[name]["uri"], outputs[name]["name"]
    types = task.component.output_definitions.parameters
    container = task.executor.container
    key = {
        "inputArtifactNames": {
            name: [artifact.name for artifact in artifacts.artifacts]
            for name, artifacts in made.inputs.artifacts.items()
        },
        "inputParameterValues": {
            name: json_format.MessageToDict(value)
            for name, value in made.inputs.parameter_values.items()
        },
        "outputArtifactsSpec": outputs,
        "outputParametersSpec": {
            name: types[name].parameter_type for name in made.outputs.parameters
        },
        "containerSpec": {
            "image": container.image,
            "cmdArgs": [*container.command, *container.args],
        },
    }
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
