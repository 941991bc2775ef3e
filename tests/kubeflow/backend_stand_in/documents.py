"""Reads a compiled pipeline's YAML, and refuses it if the real API server does.

Rules of backend/src/apiserver/template/{template,v2_template}.go; for the name, of
backend/src/apiserver/common/utils.go.
"""

import re
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as specs

SCHEMA_VERSION = "2.1.0"
_UNKNOWN_FIELD = re.compile(r'has no field named "(.+?)"')


class Refused(Exception):
    """The real back end does not take this, either; the message is its own, or a part of it."""


def read_documents(text: str) -> tuple[specs.PipelineSpec, specs.PlatformSpec | None]:
    """Read the YAML of a pipeline: its spec, and perhaps its platform spec.

    Other documents are ignored silently.

    Raises:
        Refused: the API server would not accept it.
    """
    spec, platform = None, None
    for document in _documents(text):
        parsed = pipeline_spec(document)
        if parsed is not None:
            if spec is not None:
                raise Refused("multiple pipeline specs provided")
            spec = parsed
        elif is_platform_spec(document):
            if platform is not None:
                raise Refused("multiple platform specs provided")
            platform = json_format.ParseDict(document, specs.PlatformSpec())
    if spec is None:
        raise Refused("unknown template format")
    if spec.schema_version != SCHEMA_VERSION:
        raise Refused(
            f"KFP only supports schema version {SCHEMA_VERSION}, but the pipeline spec has version "
            f"{spec.schema_version}"
        )
    return spec, platform


def check_name(spec: specs.PipelineSpec) -> None:
    """ValidatePipelineName: only the API server runs it, at each upload.

    Raises:
        Refused: ML Metadata could not store the name.
    """
    if not re.fullmatch("[a-z0-9][a-z0-9-]{0,127}", spec.pipeline_info.name):
        raise Refused(
            "pipeline's name must contain only lowercase alphanumeric characters or '-' and must "
            f"start with alphanumeric characters, not {spec.pipeline_info.name!r}"
        )


def pipeline_spec(document: Any) -> specs.PipelineSpec | None:
    """isPipelineSpec: None if it is anything else, including a spec with an unknown field."""
    try:
        spec = json_format.ParseDict(document, specs.PipelineSpec())
    except json_format.ParseError:
        return None
    return spec if spec.pipeline_info.name and spec.HasField("root") else None


def is_platform_spec(document: Any) -> bool:
    """IsPlatformSpecWithKubernetesConfig."""
    try:
        platform = json_format.ParseDict(document, specs.PlatformSpec())
    except json_format.ParseError:
        return False
    return "kubernetes" in platform.platforms


def in_words_of_go(error: json_format.ParseError) -> str:
    """The error of Go's protojson for Python's `has no field named`."""
    unknown = _UNKNOWN_FIELD.search(str(error))
    return f'unknown field "{unknown[1]}"' if unknown else str(error)


def _documents(text: str) -> list[Any]:
    try:
        return [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        raise Refused(f"unable to decode yaml document: {error}") from error
