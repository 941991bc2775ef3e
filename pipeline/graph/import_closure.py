"""Finds the source files that a module needs, from its import statements, without importing."""

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_DOTTED = re.compile(r"\w+(?:\.\w+)+")


@dataclass(frozen=True)
class Closure:
    """All that some modules depend on.

    Attributes:
        files: path relative to the package, with `/`, to the file: modules, and the data files
            that they name.
        modules: dotted names of modules of the package, including the given ones.
        libraries: top-level names of all other imported packages.
    """

    files: dict[str, Path]
    modules: frozenset[str]
    libraries: frozenset[str]


@dataclass(frozen=True)
class _Source:
    """The imports and texts of one file.

    Attributes:
        imports: dotted names; both `a` and `a.b` for `from a import b`.
        strings: every text constant.
    """

    imports: frozenset[str]
    strings: frozenset[str]


@dataclass(frozen=True)
class SourceTree:
    """A package's source files.

    Attributes:
        name: the package's name, such as `customer_age`.
        root: its folder.
    """

    name: str
    root: Path

    def closure(self, modules: Iterable[str]) -> Closure:
        """Follow the imports of modules to every module and data file of this package.

        All imports count, also those inside functions, except under `if TYPE_CHECKING`. A dotted
        name in a text also counts, because TFX and TFMA accept such names
        (`customer_age.components.trainer.run_fn.run_fn`). So does the name of a file or a folder
        next to the module (`worker.py`, `templates`).

        Args:
            modules: dotted names.

        Raises:
            ModuleNotFoundError: one of them is not a module of this package.
        """
        pending = list(modules)
        for module in pending:
            if self._file(module) is None:
                raise ModuleNotFoundError(f"no module named {module!r} in {self.root}")
        seen: set[str] = set()
        files: dict[str, Path] = {}
        libraries: set[str] = set()
        while pending:
            module = pending.pop()
            file = self._file(module)
            if module in seen or file is None:
                continue
            seen.add(module)
            source = _read(file.read_bytes(), module, file.name == "__init__.py")
            files[self._relative(file)] = file
            pending += self._parents(module)
            for name in source.imports | self._named(source.strings):
                if name.partition(".")[0] == self.name:
                    pending += self._modules_of(name)
                else:
                    libraries.add(name.partition(".")[0])
            for sibling in self._siblings(file, source.strings):
                if sibling.suffix == ".py":
                    pending.append(self._module(sibling))
                else:
                    files[self._relative(sibling)] = sibling
        return Closure(dict(sorted(files.items())), frozenset(seen), frozenset(libraries))

    def _file(self, module: str) -> Path | None:
        name, *parts = module.split(".")
        if name != self.name:
            return None
        folder = self.root.joinpath(*parts)
        for file in (folder / "__init__.py", folder.with_suffix(".py")):
            if file.is_file() and (parts or file.name == "__init__.py"):
                return file
        return None

    def _module(self, file: Path) -> str:
        return ".".join((self.name, *file.relative_to(self.root).with_suffix("").parts))

    def _relative(self, file: Path) -> str:
        return file.relative_to(self.root).as_posix()

    def _modules_of(self, name: str) -> list[str]:
        """Return the longest prefix of a dotted name that is a module."""
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            module = ".".join(parts[:length])
            if self._file(module) is not None:
                return [module]
        return []

    def _parents(self, module: str) -> list[str]:
        """Return the parent packages: Python runs the `__init__.py` of each."""
        parts = module.split(".")
        return [".".join(parts[:length]) for length in range(1, len(parts))]

    def _named(self, strings: Iterable[str]) -> frozenset[str]:
        start = f"{self.name}."
        return frozenset(
            text for text in strings if text.startswith(start) and _DOTTED.fullmatch(text)
        )

    def _siblings(self, file: Path, strings: Iterable[str]) -> Iterator[Path]:
        """Return the files next to a module that its texts name, and those in named folders."""
        entries = {entry.name: entry for entry in file.parent.iterdir()}
        for text in strings:
            entry = entries.get(text)
            if entry is None or entry == file:
                continue
            if entry.is_file():
                yield entry
            elif not (entry / "__init__.py").exists():
                inside = (each for each in entry.rglob("*") if "__pycache__" not in each.parts)
                yield from (each for each in inside if each.is_file())


@functools.lru_cache(maxsize=1024)
def _read(content: bytes, module: str, is_package: bool) -> _Source:
    """Parse a file; each content is parsed once."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    imports: set[str] = set()
    strings: set[str] = set()
    pending: list[ast.AST] = [ast.parse(content)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
            continue
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            imports |= {whole, *(f"{whole}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings.add(node.value)
        pending += ast.iter_child_nodes(node)
    return _Source(frozenset(imports), frozenset(strings))
