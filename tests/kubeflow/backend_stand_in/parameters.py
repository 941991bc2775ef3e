"""The parameters of a run."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec import pipeline_spec_pb2 as specs

from .documents import Refused

ParameterType = specs.ParameterType


def run_parameters(spec: specs.PipelineSpec, given: Mapping[str, Any]) -> dict[str, Value]:
    """Check a run's parameters, and add the defaults.

    (*V2Spec).validatePipelineJobInputs of backend/src/apiserver/template/v2_template.go refuses;
    Compile of backend/src/v2/compiler/argocompiler/argo.go adds the defaults.

    Raises:
        Refused: a value is missing, unknown or of another type.
    """
    defined = spec.root.input_definitions.parameters
    extra = sorted(set(given) - set(defined))
    if extra:
        raise Refused(f"parameter(s) provided are not required by pipeline: {', '.join(extra)}")
    values = {}
    for name, parameter in defined.items():
        if name in given:
            values[name] = json_format.ParseDict(given[name], Value())
            _check_type(name, parameter.parameter_type, values[name])
        elif parameter.HasField("default_value"):
            values[name] = parameter.default_value
        elif parameter.is_optional:
            values[name] = Value(null_value=0)
        else:
            raise Refused(
                f"parameter {name} is not optional, yet has neither default value nor user "
                "provided value"
            )
    return values


def _check_type(name: str, parameter_type: int, value: Value) -> None:
    kinds = {
        ParameterType.NUMBER_DOUBLE: ("number_value", "double or integer"),
        ParameterType.NUMBER_INTEGER: ("number_value", "double or integer"),
        ParameterType.STRING: ("string_value", "string"),
        ParameterType.BOOLEAN: ("bool_value", "bool"),
        ParameterType.LIST: ("list_value", "list"),
        ParameterType.STRUCT: ("struct_value", "struct"),
    }
    if parameter_type not in kinds:
        raise Refused(f"input parameter {name} has unspecified type")
    kind, words = kinds[parameter_type]
    if value.WhichOneof("kind") != kind:
        what = "parameter value" if kind == "number_value" else "input parameter"
        raise Refused(
            f"input parameter {name} requires type {words}, but the {what} is not of "
            f"{kind.removesuffix('_value')} value type"
        )
