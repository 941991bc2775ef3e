"""Writes settings as a file that `loading.load` reads."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .settings import Settings

_PLAIN_KEY = re.compile("[a-z][a-z_]*")
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Letters that JSON writes as they are, and YAML does not read."""


def text_of(settings: Settings, comment: str) -> str:
    """A settings file that says all that is not the default.

    Settings hold no secret, as each section sees to it, and so neither does the file.

    Args:
        settings: any.
        comment: lines that stand at its head.
    """
    said = settings.model_dump(mode="json", exclude_defaults=True)
    head = [f"# {line}".rstrip() for line in comment.splitlines()]
    return "\n".join([*head, *_lines(said, ""), ""])


def _lines(section: Mapping[str, Any], indent: str) -> Iterator[str]:
    """A line for each value; values are JSON, which is YAML 1.2."""
    for name, value in section.items():
        key = name if _PLAIN_KEY.fullmatch(name) else _json(name)
        if isinstance(value, dict) and value:
            yield f"{indent}{key}:"
            yield from _lines(value, f"{indent}  ")
        else:
            yield f"{indent}{key}: {_json(value)}"


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return _NOT_IN_YAML.sub(lambda letter: f"\\u{ord(letter[0]):04x}", text)
