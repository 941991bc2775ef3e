"""Describes each error in the settings in one sentence."""

import json
import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from customer_age import redaction

from . import yaml_reader
from .yaml_reader import KeyPath, NotYaml

LONGEST = 60
"""Most characters of a wrong value that a message shows."""

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("above", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("below", "lt"),
}
_SCALARS = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
}
_CONTAINERS = {
    "model_type": "a section, with a line `name: value` for each setting",
    "dict_type": "a mapping, with a line `name: value` for each entry",
    "tuple_type": "a list, for example [a, b]",
}
_WORDS = {**dict.fromkeys(("yes", "y", "on", "t", "1", "true"), True),
          **dict.fromkeys(("no", "n", "off", "f", "0", "false"), False)}  # fmt: skip
"""Words that were booleans in YAML 1.1."""


def place_of(error: ErrorDetails) -> KeyPath:
    """Return the path of one of pydantic's errors; a wrong key has the path of its value."""
    return tuple(step for step in error["loc"] if step != "[key]")


def sentence(error: ErrorDetails, settings: type[BaseModel], plain: str | None = None) -> str:
    """Describe what is wrong, and what to write instead if that is known.

    Args:
        error: an error of pydantic.
        settings: the model that was checked.
        plain: the text in the file, if it has no quotes.
    """
    kind = error["type"]
    if kind == "extra_forbidden":
        return f"unknown setting{_nearest_setting(place_of(error), settings)}"
    if kind in _SCALARS:
        return f"must be {_SCALARS[kind]}{_instead(error, plain)}"
    if kind in _SENTENCES:
        return _SENTENCES[kind](error)
    message = error["msg"].removeprefix("Value error, ")
    if message.startswith("is not a valid "):
        return f"{_shown(error['input'])} {message}"
    return message if kind == "value_error" else message[0].lower() + message[1:]


def _out_of_bounds(error: ErrorDetails) -> str:
    word, bound = _BOUNDS[error["type"]]
    limit = error["ctx"][bound]
    limit = int(limit) if limit == int(limit) else limit
    return f"must be {word} {limit}, not {_shown(error['input'])}"


def _not_a_container(error: ErrorDetails) -> str:
    return f"must be {_CONTAINERS[error['type']]}; it is {_kind_of(error['input'])}"


def _unknown_word(error: ErrorDetails) -> str:
    known = re.findall("'([^']*)'", error["ctx"]["expected"])
    near = _nearest(str(error["input"]), known)
    suggestion = f"; did you mean {near}?" if near else ""
    if error["loc"][-1] == "[key]":
        return f"unknown name{suggestion or _all(known)}"
    *others, last = (name or '""' for name in known)
    return f"must be {', '.join(others)} or {last}, not {_shown(error['input'])}{suggestion}"


def _too_long(error: ErrorDetails) -> str:
    most = error["ctx"]["max_length"]
    return f"must have at most {most} characters, not {len(error['input'])}"


def _too_many(error: ErrorDetails) -> str:
    return f"must have at most {error['ctx']['max_length']} entries, not {len(error['input'])}"


def _no_match(error: ErrorDetails) -> str:
    return f"must match the pattern {error['ctx']['pattern']}; {_shown(error['input'])} does not"


_SENTENCES: dict[str, Callable[[ErrorDetails], str]] = {
    **dict.fromkeys(_BOUNDS, _out_of_bounds),
    **dict.fromkeys(_CONTAINERS, _not_a_container),
    "literal_error": _unknown_word,
    "string_pattern_mismatch": _no_match,
    "string_too_long": _too_long,
    "too_long": _too_many,
    "string_too_short": lambda _: "must not be empty",
    "missing": lambda _: "is required, but is missing",
    "finite_number": lambda error: f"must be a finite number, not {_shown(error['input'])}",
}


def _instead(error: ErrorDetails, plain: str | None) -> str:
    """Describe the value and its replacement; it may have been correct in YAML 1.1."""
    kind, value = error["type"], error["input"]
    if kind == "string_type":
        quoted = f': write "{plain}", in quotes' if plain and not isinstance(value, list) else ""
        return f", not {_kind_of(value)}{quoted}"
    meant = _meant(kind, value)
    if meant is None:
        return f", not {_shown(value)}"
    if isinstance(value, str):
        actual = (
            "not text in quotes" if plain is None else f"but {_shown(plain)} is text in YAML 1.2"
        )
    else:
        actual = f"not {_shown(value)}"
    return f", {actual}: write {json.dumps(meant)}"


def _meant(kind: str, value: Any) -> bool | int | float | None:
    """Return the value of the required type that was most likely meant."""
    if kind == "bool_type":
        return _WORDS.get(str(value).strip().lower()) if _is_plain(value) else None
    if isinstance(value, str):
        value = _number_in(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if kind == "float_type":
        return value if math.isfinite(value) else None
    return int(value) if math.isfinite(value) and value == int(value) else None


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def _number_in(text: str) -> Any:
    """Return the value of a text without quotes, also as in YAML 1.1: `1_000` and `1:30`."""
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)
    try:
        value = yaml_reader.read(text).value
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of ruamel.yaml, on numbers newer than YAML 1.1
            return yaml.load(text) if isinstance(value, str) else value
    except (NotYaml, YAMLError, ValueError):
        return None


def _shown(value: Any) -> str:
    """Return a wrong value as YAML: short, on one line and without passwords."""
    if isinstance(value, dict | list):
        return _kind_of(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f".{value}".replace(".-", "-.")
    text = redaction.hide_credentials(json.dumps(value, ensure_ascii=False))
    if isinstance(value, str):
        text = f"'{text[1:-1]}'"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _kind_of(value: Any) -> str:
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "true or false"
    return "empty" if value is None else "a number"


def _nearest_setting(path: KeyPath, settings: type[BaseModel]) -> str:
    """Suggest a similar name in the same section, or the same name in other sections."""
    section: Any = settings
    for step in path[:-1]:
        if step in section.model_fields:
            section = _section_in(section.model_fields[step].annotation)
    name = str(path[-1])
    if near := _nearest(name, section.model_fields):
        return f"; did you mean {'.'.join(map(str, (*path[:-1], near)))}?"
    if elsewhere := [found for found in _names(settings) if found.rpartition(".")[2] == name]:
        return f"; did you mean {' or '.join(elsewhere)}?"
    return _all(section.model_fields)


def _all(names: Iterable[str]) -> str:
    return f" (there are: {', '.join(names)})"


def _nearest(name: str, names: Iterable[str]) -> str | None:
    import difflib

    spelled = {each.lower().replace("-", "_"): each for each in names}
    near = difflib.get_close_matches(name.lower().replace("-", "_"), spelled, n=1)
    return spelled[near[0]] if near else None


def _names(settings: type[BaseModel], before: str = "") -> Iterator[str]:
    """Return the names of all settings with their sections, for example `trainer.gpu.count`."""
    for name, field in settings.model_fields.items():
        section = _section_in(field.annotation)
        if section is None:
            yield before + name
        elif section is field.annotation or type(None) in get_args(field.annotation):
            yield from _names(section, f"{before}{name}.")


def _section_in(annotation: Any) -> Any:
    """Return a section, or the one in `GpuSettings | None` or `dict[str, Resources]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_section_in(part) for part in get_args(annotation))
    return next((section for section in found if section is not None), None)
