import sys

import pytest

from customer_age.pipeline.graph.import_closure import SourceTree


@pytest.fixture
def tree(tmp_path) -> SourceTree:
    files = {
        "__init__.py": "raise RuntimeError('imported')",
        "start.py": "from . import near\nfrom .deep.inner import thing as other\nimport json",
        "near.py": "def later():\n    from shop import late\n",
        "late.py": "import PIL.Image",
        "deep/__init__.py": "from . import face",
        "deep/face.py": "",
        "deep/inner.py": "thing = 1",
        "alone.py": "",
        "typed.py": "import typing\nif typing.TYPE_CHECKING:\n    from . import alone\n",
        "named.py": "RUN = 'shop.alone.run'\nTEXT = 'the shop.near is not a name'\n",
        "pages/__init__.py": "",
        "pages/render.py": "FOLDER = 'templates'\nOTHER = 'label.txt'\nWORKER = 'worker.py'",
        "pages/templates/page.html": "a page",
        "pages/templates/inner/part.html": "a part",
        "pages/label.txt": "a label",
        "pages/unread.txt": "nobody's",
        "pages/worker.py": "from shop.deep import face",
    }
    for name, content in files.items():
        file = tmp_path / "shop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return SourceTree("shop", tmp_path / "shop")


def test_imports_are_followed_anywhere_in_a_module(tree):
    closure = tree.closure(["shop.start"])
    assert list(closure.files) == [
        "__init__.py", "deep/__init__.py", "deep/face.py", "deep/inner.py",
        "late.py", "near.py", "start.py",
    ]  # fmt: skip
    assert closure.libraries == {"json", "PIL"}


def test_the_closure_imports_nothing(tree):
    tree.closure(["shop.start"])
    assert "shop" not in sys.modules


def test_an_import_for_types_alone_does_not_count(tree):
    assert "alone.py" not in tree.closure(["shop.typed"]).files


def test_a_dotted_name_in_a_text_counts_as_an_import(tree):
    assert list(tree.closure(["shop.named"]).files) == ["__init__.py", "alone.py", "named.py"]


def test_files_that_a_module_names_next_to_it_count(tree):
    assert list(tree.closure(["shop.pages.render"]).files) == [
        "__init__.py", "deep/__init__.py", "deep/face.py", "pages/__init__.py", "pages/label.txt",
        "pages/render.py", "pages/templates/inner/part.html", "pages/templates/page.html",
        "pages/worker.py",
    ]  # fmt: skip


def test_a_change_is_seen_at_once(tree):
    tree.closure(["shop.alone"])
    (tree.root / "alone.py").write_text("from . import late")
    assert "late.py" in tree.closure(["shop.alone"]).files


def test_an_unknown_module_is_an_error(tree):
    with pytest.raises(ModuleNotFoundError, match="shop.nothing"):
        tree.closure(["shop.nothing"])
