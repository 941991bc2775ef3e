"""Whether a task must run: backend/src/v2/driver/cache.go, backend/src/v2/cacheutils/cache.go."""

import hashlib
import json

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as specs

from .template import Task


def fingerprint(task: Task, made: specs.ExecutorInput) -> str:
    """What a result may be taken again for: GenerateCacheKey and GenerateFingerPrint.

    An input artifact counts by its number alone, an output artifact without its URI, the command
    with its placeholders unfilled. Empty where the task does not enable the cache.
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
