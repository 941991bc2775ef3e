"""The worker is isolated: it cannot import our modules."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from customer_age.components.canary.worker_process import WORKER

CHECKOUT = Path(__file__).parents[3]


def test_it_only_imports_the_standard_library_numpy_and_tensorflow():
    imported = set()
    for node in ast.walk(ast.parse(WORKER.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(node.module.split(".")[0])
    assert imported - sys.stdlib_module_names == {"numpy", "tensorflow"}


@pytest.mark.parametrize(
    "module", ["customer_age", "customer_age.schema.features", "components", "pipeline", "canary"]
)
def test_nothing_of_ours_can_be_imported_in_it(module):
    """Started as the Canary starts it, from the checkout, with the checkout on PYTHONPATH."""
    look = (
        f"import importlib, runpy; runpy.run_path({str(WORKER)!r})['hide_ours']();"
        f"importlib.import_module({module!r})"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-c", look],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "ModuleNotFoundError" in ended.stderr


def test_the_import_would_work_in_a_process_that_is_not_the_worker():
    """Otherwise the test above would prove nothing."""
    subprocess.run([sys.executable, "-c", "import customer_age.schema.features"], check=True)


def test_it_ends_by_itself_if_nobody_can_stop_it(tmp_path):
    """A run that is killed must not leave a model that hangs behind."""
    (tmp_path / "work.json").write_text('{"model": "none", "seconds": 1, "requests": []}')
    stay = (
        f"import pathlib, runpy, sys; worker = runpy.run_path({str(WORKER)!r});"
        "sys.modules['tensorflow'] = type('Hangs', (), {'saved_model': property("
        "lambda self: __import__('time').sleep(600))})();"
        f"worker['main'](pathlib.Path({str(tmp_path)!r}))"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-c", stay], stdout=subprocess.DEVNULL, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGALRM
