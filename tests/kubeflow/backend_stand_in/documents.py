"""Reads a compiled pipeline's YAML, and refuses it where the real API server does.

Rules of backend/src/apiserver/template/{template,v2_template}.go.
"""

from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as specs

SCHEMA_VERSION = "2.1.0"


class Refused(Exception):
    """The real back end does not take this, either; the message is its own, or close to it."""


def read_documents(text: str) -> tuple[specs.PipelineSpec, specs.PlatformSpec | None]:
    """Read the YAML of a pipeline: its spec, and perhaps its platform spec.

    Raises:
        Refused: the API server would not take it.
    """
    spec, platform, why = None, None, "it is empty"
    for document in _documents(text):
        parsed, complaint = _pipeline_spec(document)
        if parsed is not None:
            if spec is not None:
                raise Refused("multiple pipeline specs provided")
            spec = parsed
        elif _is_platform_spec(document):
            if platform is not None:
                raise Refused("multiple platform specs provided")
            platform = json_format.ParseDict(document, specs.PlatformSpec())
        else:
            # The real one leaves out such a document without a word, whatever was in it.
            why = complaint
            if spec is not None:
                raise Refused(f"a document is neither a pipeline nor a platform spec: {complaint}")
    if spec is None:
        raise Refused(f"unknown template format: {why}")
    if spec.schema_version != SCHEMA_VERSION:
        raise Refused(
            f"KFP only supports schema version {SCHEMA_VERSION}, but the pipeline spec has version "
            f"{spec.schema_version}"
        )
    return spec, platform


def _documents(text: str) -> list[Any]:
    try:
        return [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        raise Refused(f"unable to decode yaml document: {error}") from error


def _pipeline_spec(document: Any) -> tuple[specs.PipelineSpec | None, str]:
    try:
        spec = json_format.ParseDict(document, specs.PipelineSpec())
    except json_format.ParseError as error:
        return None, str(error)
    if not spec.pipeline_info.name or not spec.HasField("root"):
        return None, "it has no pipelineInfo.name, or no root"
    return spec, ""


def _is_platform_spec(document: Any) -> bool:
    try:
        platform = json_format.ParseDict(document, specs.PlatformSpec())
    except json_format.ParseError:
        return False
    return "kubernetes" in platform.platforms
