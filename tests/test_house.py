"""The layout of the house: what import-linter's contracts in pyproject.toml do not check."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

import customer_age

ROOT = Path(customer_age.__file__).parent
ROOMS = ("schema", "files", "photos", "labels", "model_registry", "components", "pipeline")
ROOMS += ("kubeflow",)
MOST_ENTRIES = 14
MOST_LEVELS = 6

ROLES = {"checks", "component", "entrypoint", "errors", "executor", "runs", "spec", "store"}
"""Names that files in sibling rooms have for the same role in each."""

NAMED_AFTER = {
    "components/artifacts": "the component that writes such an artifact",
    "pipeline/cli": "the verb",
    "pipeline/settings": "what the section sets",
}
"""Folders whose files are named after other rooms' things, on purpose."""


def source_files() -> Iterator[Path]:
    for room in ROOMS:
        yield from (file for file in sorted((ROOT / room).rglob("*.py")) if file.is_file())


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("customer_age", cache_dir=None)


def packages() -> list[str]:
    return sorted(name for name in graph().modules if graph().find_children(name))


def siblings(package: str) -> dict[str, set[str]]:
    """Each entry of a package to the entries beside it that it imports."""
    found = {}
    for entry in graph().find_children(package):
        inside = {entry, *graph().find_descendants(entry)}
        reached = {
            imported
            for module in inside
            for imported in graph().find_modules_directly_imported_by(module)
        }
        found[entry] = {
            other
            for other in graph().find_children(package) - {entry}
            if any(name == other or name.startswith(f"{other}.") for name in reached)
        }
    return found


def levels(package: str) -> int:
    """How many entries the longest chain of imports in a package has."""
    height: dict[str, int] = {}
    imports = siblings(package)
    for entry in TopologicalSorter(imports).static_order():
        height[entry] = 1 + max((height[each] for each in imports[entry]), default=0)
    return max(height.values())


def test_every_file_is_seen():
    """Through links or not: a graph of few files would pass everything."""
    names = {
        ".".join(("customer_age", *file.relative_to(ROOT).with_suffix("").parts)).removesuffix(
            ".__init__"
        )
        for file in source_files()
    }
    assert len(names) > 200
    assert names <= graph().modules


@pytest.mark.parametrize("package", packages())
def test_a_room_is_taken_in_at_a_glance(package):
    entries = graph().find_children(package)
    if not package.endswith(".cli"):  # a file for each verb
        assert len(entries) <= MOST_ENTRIES, sorted(entries)
    if package != "customer_age":
        assert levels(package) <= MOST_LEVELS, siblings(package)


def test_no_two_files_have_one_name():
    found = defaultdict(set)
    for file in source_files():
        folder = file.parent
        if folder.relative_to(ROOT).as_posix() not in NAMED_AFTER and file.stem not in ROLES:
            # A folder and the file in it that bears its name are one thing.
            named = folder.name if file.name == "__init__.py" else file.stem
            found[named].add(folder if named == folder.name else file)
    twice = {name: files for name, files in found.items() if len(files) > 1}
    assert not twice


@pytest.mark.parametrize("room", ROOMS)
def test_an_import_says_whether_it_leaves_its_room(room):
    """Relative inside a room, the full name across rooms."""
    wrong = []
    for file in sorted((ROOT / room).rglob("*.py")):
        package = ("customer_age", *file.relative_to(ROOT).parent.parts)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name.split(".") for alias in node.names]
                wrong_form = any(name[:2] == ["customer_age", room] for name in names)
            elif isinstance(node, ast.ImportFrom) and node.level:
                wrong_form = len(package) - node.level + 1 < 2  # out of the room, relatively
            elif isinstance(node, ast.ImportFrom):
                whole = (node.module or "").split(".")
                wrong_form = whole[:2] == ["customer_age", room] or (
                    whole == ["customer_age"] and any(each.name == room for each in node.names)
                )
            else:
                continue
            if wrong_form:
                wrong.append(f"{file.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}")
    assert not wrong
