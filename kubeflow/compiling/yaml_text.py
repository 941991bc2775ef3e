"""Writes YAML that Kubeflow reads as it was meant."""

import re
from collections.abc import Sequence
from typing import Any

import yaml

_BOOL = re.compile(r"[yYnN]\Z")
_NUMBER = re.compile(
    r"[-+]?(?:0o[0-7_]+|(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]+)?)\Z"
)
"""What `sigs.k8s.io/yaml` reads as a boolean or a number, and PyYAML as text."""


class _Dumper(yaml.SafeDumper):
    """PyYAML's dumper, which also quotes a text that Go would read as another type.

    In PyYAML a number with an exponent has a point; in Go, the fingerprint 123456789e12 is a number
    if it has no quotes.
    """


_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, list("yYnN"))
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+.0123456789"))


def dump_all(documents: Sequence[Any]) -> str:
    """Return the documents as YAML, with sorted keys."""
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=100)
