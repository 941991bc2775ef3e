"""The real programs of a cluster from package registries: built once, started by fixtures."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_server import ApiServer, api_server, missing

BUILD = Path(__file__).parent / "programs" / "build.sh"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder of etcd, kube-apiserver, workflow-controller and argo-crds."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    built = subprocess.run([BUILD], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return Path(built.stdout.strip())


@pytest.fixture(scope="session")
def server(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server for the tests of one process; each test uses namespaces of its own."""
    with api_server(programs, tmp_path_factory.mktemp("cluster") / "api_server") as started:
        yield started
