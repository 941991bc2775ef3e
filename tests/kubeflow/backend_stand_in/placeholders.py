"""The placeholders of a container's command.

Rules of resolveContainerArgs in backend/src/v2/driver/util.go and getPlaceholders in
backend/src/v2/component/launcher_v2.go.
"""

import contextlib
import json
import re
from decimal import Decimal

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec import pipeline_spec_pb2 as specs

from .documents import Refused
from .objects import local_path

_PARAMETER = re.compile(r"\{\{\$\.inputs\.parameters\['(.+?)'\]\}\}")


def text_of(value: Value) -> str:
    """A parameter's value as text: PbValueToText of backend/src/v2/metadata/converter.go."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "number_value":
        number = Decimal(repr(value.number_value))
        return format(number.to_integral() if number == number.to_integral() else number, "f")
    if kind == "bool_value":
        return str(value.bool_value).lower()
    if kind in ("list_value", "struct_value"):
        return json.dumps(json_format.MessageToDict(value), separators=(",", ":"))
    return ""


def fill(command: list[str], executor_input: specs.ExecutorInput, as_json: str) -> list[str]:
    """Put the values in.

    Args:
        command: of the container, with its arguments.
        executor_input: the values.
        as_json: the value of `{{$}}`.

    Raises:
        Refused: a placeholder names what the task does not have.
    """
    values = {"{{$}}": as_json}
    for name, artifacts in executor_input.inputs.artifacts.items():
        _add_artifact(values, "inputs", name, artifacts)
    for name, artifacts in executor_input.outputs.artifacts.items():
        _add_artifact(values, "outputs", name, artifacts)
    for name, parameter in executor_input.outputs.parameters.items():
        values[f"{{{{$.outputs.parameters['{name}'].output_file}}}}"] = parameter.output_file
    return [_filled(word, executor_input, values) for word in command]


def _filled(word: str, executor_input: specs.ExecutorInput, values: dict[str, str]) -> str:
    if word.lstrip().startswith('{"IfPresent":'):
        raise Refused("this stand-in knows no IfPresent")
    parameters = executor_input.inputs.parameter_values

    def value(match: re.Match[str]) -> str:
        if match[1] not in parameters:
            raise Refused(f'parameter "{match[1]}" not found in executor input')
        return text_of(parameters[match[1]])

    word = _PARAMETER.sub(value, word)
    for placeholder, replacement in values.items():
        word = word.replace(placeholder, replacement)
    return word


def _add_artifact(
    values: dict[str, str], side: str, name: str, artifacts: specs.ArtifactList
) -> None:
    if artifacts.artifacts:
        uri = artifacts.artifacts[0].uri
        values[f"{{{{$.{side}.artifacts['{name}'].uri}}}}"] = uri
        with contextlib.suppress(Refused):  # an imported URI of another kind has no path
            values[f"{{{{$.{side}.artifacts['{name}'].path}}}}"] = local_path(uri)
