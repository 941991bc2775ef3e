import socket
import subprocess
import sys
import time

import pytest

from customer_age.components.errors import SettingsError
from customer_age.components.model_registry import open_registry


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("mlruns", "what is given is no kind of registry"),
        ("vertex://project/region/model", r"'vertex' is no kind of registry; there are mlflow\+"),
        ("mlflow+sqlite:///registry/mlflow.db", "whole path, with four slashes"),
        ("mlflow+sqlite:////registry/", "must name a file"),
        ("mlflow+sqlite:////registry/m.db?mode=ro", "no question mark"),
        ("mlflow+http://", "named as in"),
        ("mlflow+https://host/?token=1", "named as in"),
    ],
)
def test_a_uri_that_cannot_be_used_is_named(uri, told):
    with pytest.raises(SettingsError, match=f"^registry.uri: .*{told}"):
        open_registry(uri, "customer-age")


def test_a_password_in_a_uri_is_refused_and_not_repeated():
    with pytest.raises(SettingsError, match="MLFLOW_TRACKING_PASSWORD") as told:
        open_registry("mlflow+https://anna:s3cret@host:5000", "customer-age")
    assert "s3cret" not in str(told.value)
    assert "anna" not in str(told.value)


def test_a_server_that_does_not_answer_is_told_at_once():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        registry = open_registry(
            f"mlflow+http://127.0.0.1:{nobody.getsockname()[1]}", "customer-age"
        )
        started = time.monotonic()
        with pytest.raises(SettingsError, match="no MLflow server answers at http://127.0.0.1"):
            registry.champion()
        assert time.monotonic() - started < 30


def test_a_folder_that_cannot_be_written_is_told(tmp_path, publication):
    (tmp_path / "file").touch()
    registry = open_registry(f"mlflow+sqlite:///{tmp_path}/file/mlflow.db", "customer-age")
    with pytest.raises(SettingsError, match=f"registry.uri: {tmp_path}/file cannot be written"):
        registry.publish(publication("first", mae=6.5))


def test_opening_imports_nothing_heavy():
    script = (
        "import sys\n"
        "from customer_age.components.model_registry import open_registry\n"
        "from customer_age.components.champion.as_of import baseline_for\n"
        "registry = open_registry('mlflow+sqlite:////nowhere/mlflow.db', 'customer-age')\n"
        "assert baseline_for(registry, 'key') == 'none'\n"
        "heavy = {'mlflow', 'tensorflow', 'tfx', 'pandas', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
