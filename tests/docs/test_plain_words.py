"""The words of `plain_words.txt` are nowhere in the code, the pages and the templates."""

import io
import os
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("plain_words.txt")
KINDS = {".py", ".md", ".html", ".yaml", ".yml", ".sh", ".toml"}
NOT_OURS = (
    "tests/docs/test_plain_words.py",
    "tests/kept_by_0_1",  # written by release 0.1
    "tests/kubeflow/golden",  # compiled
    "tests/kubeflow/recorded",  # written by Kubeflow
    "build",
    "work",
)


@cache
def rules() -> list[tuple[str, str, str]]:
    """Kind, pattern and better word of each line of the list."""
    lines = LIST.read_text("utf-8").splitlines()
    cells = [re.split(r" {2,}", line) for line in lines if line and not line.startswith("#")]
    return [(kind, pattern, better) for kind, pattern, better in cells]


def texts() -> Iterator[Path]:
    """Each file of ours; links to rooms are not entered twice."""
    for folder, folders, files in os.walk(ROOT):
        place = Path(folder).relative_to(ROOT).as_posix()
        inside = "" if place == "." else f"{place}/"
        folders[:] = sorted(
            each
            for each in folders
            if f"{inside}{each}" not in NOT_OURS
            and (not each.startswith(".") or each in (".ci", ".github"))
            and not each.endswith(("__pycache__", ".egg-info"))
        )
        for file in sorted(files):
            path = f"{inside}{file}"
            ours = Path(file).suffix in KINDS or path in ("Makefile", ".ci/run")
            if ours and path not in NOT_OURS:
                yield ROOT / path


def hits(text: str, python: bool) -> Iterator[tuple[int, str, str]]:
    """Line, word and better word of each place in a text; a phrase may go over a line's end."""
    plain = re.sub(r"[ \t]*\n[ \t#]*", "\n", text.replace("_", " "))
    for kind, pattern, better in rules():
        if kind == "word":
            for found in _compiled(pattern).finditer(plain):
                yield plain.count("\n", 0, found.start()) + 1, " ".join(found[0].split()), better
        elif python and pattern in text:
            for line, name in names(text):
                if pattern in name.lower().split("_"):
                    yield line, f"{name} (identifier)", better


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b".replace(" ", r"\s"), re.IGNORECASE)


def names(program: str) -> Iterator[tuple[int, str]]:
    """Line and text of each name in a program, keywords among them."""
    for token in tokenize.generate_tokens(io.StringIO(program).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string


def found_in(file: Path) -> list[str]:
    """A line for each word of the list in a file."""
    return [
        f"{file.relative_to(ROOT)}:{line}: {word} -> {better}"
        for line, word, better in sorted(hits(file.read_text("utf-8"), file.suffix == ".py"))
    ]


def test_no_word_of_the_list_is_used():
    wrong = [line for file in texts() for line in found_in(file)]
    print("\n".join(wrong))
    assert not wrong, f"{len(wrong)} words of {LIST.name}; the lines are above"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("three layouts, told apart by the header", []),
        ("there is no file that fits; there is no such photo", []),
        ("it is no file that fits, and is no such thing", ["is no file that", "is no such"]),
        ("is_told_of, and Told", ["told", "Told"]),
        ("the newest, whence", []),
    ],
)
def test_a_word_is_found_with_no_false_alarm(text, words):
    assert [word for _, word, _ in hits(text, python=False)] == words


def test_an_identifier_is_found_but_not_the_word_in_a_sentence():
    program = "def f(asked):  # people who asked\n    return asked_of(asked)\n"
    assert [word.split()[0] for _, word, _ in hits(program, python=True)] == [
        "asked", "asked_of", "asked",
    ]  # fmt: skip
