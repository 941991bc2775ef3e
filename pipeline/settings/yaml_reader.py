"""Reads YAML 1.2 into plain values, and records the line of each value.

ruamel.yaml scans and parses. Plain words are resolved by the core schema of YAML 1.2, even if a
file declares another version: `off` and dates are text, and `1e-4` is a number.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import VersionedResolver

KeyPath = tuple[str | int, ...]
"""The keys and list indexes that lead to a value."""

DEEPEST = 32
"""Levels of nesting; a settings file needs fewer."""
LARGEST = 500_000
"""Characters and values, counted again for each alias: a few lines can expand to gigabytes."""

_TAG = "tag:yaml.org,2002:"
_NULL, _BOOL, _INT, _FLOAT, _MERGE, _STR, _SEQ, _MAP = (
    _TAG + name for name in ("null", "bool", "int", "float", "merge", "str", "seq", "map")
)
_CORE_SCHEMA = {
    None: [
        (tag, re.compile(rf"(?:{pattern})\Z"))
        for tag, pattern in (
            (_NULL, "null|Null|NULL|~|"),
            (_BOOL, "true|True|TRUE|false|False|FALSE"),
            (_INT, "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
            (_FLOAT, r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"),
            (_FLOAT, r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"),
            (_MERGE, "<<"),
        )
    ]
}
_OCTAL_BEFORE = re.compile("[-+]?0[0-7]+")


class NotYaml(Exception):
    """A text that cannot be read.

    Attributes:
        line: the line where reading ended, from 1.
        reason: the reason in one line, with the column.
    """

    def __init__(self, line: int, reason: str):
        super().__init__(reason)
        self.line = line
        self.reason = reason


@dataclass
class Reading:
    """The content of a text.

    Attributes:
        value: mappings, lists, text, numbers, booleans and None.
        lines: the line of each value, from 1; a mapping's entry has the line of its key.
        plain: the text of each value that has no quotes.
        mistakes: path, line and description of valid YAML that settings cannot use.
    """

    value: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    plain: dict[KeyPath, str] = field(default_factory=dict)
    mistakes: list[tuple[KeyPath, int, str]] = field(default_factory=list)


def read(text: str) -> Reading:
    """Read one document; anchors, aliases and merge keys (`<<`) are followed.

    Raises:
        NotYaml: the text is not YAML, or more than one document.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _Resolver
    yaml.max_depth = DEEPEST
    yaml.composer.warn_double_anchors = False  # YAML allows them
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        reason = f"not YAML in column {mark.column + 1}: {_reason(error)}"
        raise NotYaml(mark.line + 1, reason) from error
    except ReaderError as error:
        before = text[: error.position]
        column = error.position - before.rfind("\n")
        raise NotYaml(
            before.count("\n") + 1, f"not YAML in column {column}: a control character"
        ) from error
    except YAMLError as error:
        raise NotYaml(1, "not YAML") from error
    reading = Reading()
    if root is not None:
        reading.value = _Builder(reading).value(root, ())
    return reading


def is_unicode(text: str) -> bool:
    """Return False for a text with half a surrogate pair or an undecoded byte."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def beyond_locale(encoding: str) -> str:
    """Describe a text with a character that the locale's encoding lacks."""
    return (
        f"contains a character that the locale's encoding, {encoding}, does not have; "
        "set PYTHONUTF8=1"
    )


class _Resolver(VersionedResolver):
    @property
    def versioned_resolver(self) -> Any:
        return _CORE_SCHEMA


def _reason(error: MarkedYAMLError) -> str:
    """Return ruamel.yaml's message without the lines of the file that it quotes."""
    problem = " ".join(str(error.problem).split())
    if "found character '\\t'" in problem:
        return "a tab; YAML is indented with spaces"
    if "maximum depth" in problem:
        return f"nested deeper than {DEEPEST} levels"
    if "another document" in problem:
        return "a second document; a settings file has only one"
    return problem.replace("('", "").replace("',)", "")  # around the token that was found


class _Builder:
    """Converts YAML nodes to values."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._open: set[int] = set()  # the nodes that contain the current one
        self._size = 0

    def value(self, node: Any, path: KeyPath) -> Any:
        """Return the value of the node at a path."""
        self._size += 1 + (len(node.value) if isinstance(node, ScalarNode) else 0)
        if self._size > LARGEST:
            raise NotYaml(_line(node), f"more than {LARGEST:,} characters, including aliases")
        self._reading.lines.setdefault(path, _line(node))
        if id(node) in self._open:
            self._mistake(node, path, "an alias is inside the value that it refers to")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, MappingNode) and node.tag == _MAP:
                return self._mapping(node, path, {})
            if isinstance(node, SequenceNode) and node.tag == _SEQ:
                return [self.value(each, (*path, at)) for at, each in enumerate(node.value)]
            if isinstance(node, ScalarNode):
                return self._scalar(node, path)
        finally:
            self._open.discard(id(node))
        self._mistake(node, path, f"the tag {_shown(node.tag)} is not supported")
        return None

    def _mapping(self, node: Any, path: KeyPath, values: dict[str, Any]) -> dict[str, Any]:
        """Add the entries of a node to values; existing entries win."""
        existing = set(values)
        first: dict[str, Any] = {}
        merged: list[Any] = []
        for key, inner in node.value:
            name = key.value
            if not isinstance(key, ScalarNode) or not is_unicode(name):
                self._mistake(key, path, "a key must be a word, not a list or a mapping")
            elif name in first:
                line = _line(first[name])
                self._mistake(key, (*path, name), f"set twice, first in line {line}")
                if isinstance(inner, MappingNode) and isinstance(values.get(name), dict):
                    self._mapping(inner, (*path, name), values[name])  # reports the errors in it
            else:
                first[name] = key
                if key.tag == _MERGE:
                    merged = inner.value if isinstance(inner, SequenceNode) else [inner]
                elif name not in existing:
                    self._reading.lines.setdefault((*path, name), _line(key))
                    values[name] = self.value(inner, (*path, name))
        for source in merged:
            if not isinstance(source, MappingNode) or id(source) in self._open:
                self._mistake(source, path, "<< takes a mapping, or a list of them")
                continue
            self._open.add(id(source))
            self._mapping(source, path, values)
            self._open.discard(id(source))
        return values

    def _scalar(self, node: Any, path: KeyPath) -> Any:
        tag, text = node.tag, node.value
        if not node.style:
            self._reading.plain[path] = text
        if not is_unicode(text):
            self._mistake(node, path, "contains half of a surrogate pair, which is not text")
        elif tag in (_STR, _MERGE):
            return text
        elif tag == _BOOL and text.lower() in ("true", "false"):
            return text.lower() == "true"
        elif tag in (_INT, _FLOAT):
            return self._number(node, path)
        elif tag != _NULL:
            self._mistake(node, path, f"the tag {_shown(tag)} is not supported")
        return None

    def _number(self, node: Any, path: KeyPath) -> int | float | None:
        text = node.value
        try:
            value = _number(text)
        except ValueError:
            self._mistake(node, path, "is not a number, or has too many digits")
            return None
        if _OCTAL_BEFORE.fullmatch(text) and value != int(text, 8):
            self._mistake(
                node,
                path,
                f"{text} was {int(text, 8)} in YAML 1.1 and is {value} in YAML 1.2; write the "
                f'number that you mean, or "{text}" for text',
            )
        return value

    def _mistake(self, node: Any, path: KeyPath, sentence: str) -> None:
        self._reading.mistakes.append((path, _line(node), sentence))


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _shown(tag: str) -> str:
    return tag.replace(_TAG, "!!")


def _number(text: str) -> int | float:
    if text[:2] in ("0o", "0x"):
        return int(text[2:], 8 if text[1] == "o" else 16)
    if re.fullmatch("[-+]?[0-9]+", text):
        return int(text)
    word = text.lower().lstrip("+-")
    if word in (".inf", ".nan"):
        return math.nan if word == ".nan" else math.copysign(math.inf, -1 if text[0] == "-" else 1)
    return float(text)
