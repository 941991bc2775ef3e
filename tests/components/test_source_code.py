import shutil
import sys

import pytest

from customer_age.pipeline.graph import source_code


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "some_package"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (folder / "inner" / "page.html.j2").write_text("a page")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    sys.modules.pop("some_package", None)


def test_it_changes_with_any_file_and_imports_nothing(package):
    before = source_code.fingerprint("some_package")
    (package / "inner" / "page.html.j2").write_text("another page")
    assert source_code.fingerprint("some_package") != before


def test_compiled_files_do_not_count(package):
    before = source_code.fingerprint("some_package")
    (package / "__pycache__").mkdir()
    shutil.copy(package / "__init__.py", package / "__pycache__" / "x.pyc")
    assert source_code.fingerprint("some_package") == before


def test_an_unknown_package_is_an_error():
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        source_code.fingerprint("no_such_package")
