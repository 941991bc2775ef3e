"""Kubeflow Pipelines with users: its stand-in, which checks rights on a real API server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from api_client import ApiClient
from api_server import ApiServer
from kfp_api_stand_in import KfpApi
from kubeflow_reviews import KubeflowReviews
from manifest_pods import Object
from rendered_manifests import MANIFESTS, render
from submitted import RETRAINING, compiled

from customer_age.kubeflow.submission import start
from customer_age.kubeflow.submission.kfp import runs


@pytest.fixture(scope="module")
def objects() -> list[Object]:
    return render(MANIFESTS / "overlays" / "on-prem-minio")


@pytest.fixture(scope="module")
def client(server: ApiServer, objects: list[Object]) -> ApiClient:
    server.kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump_all(objects))
    asking = ApiClient(server)
    asking.create_namespace("somebody-else-s", {}, RETRAINING)
    return asking


@pytest.fixture
def reviews(client: ApiClient) -> KubeflowReviews:
    return KubeflowReviews(client)


@pytest.fixture
def kubeflow(reviews: KubeflowReviews) -> Iterator[KfpApi]:
    with KfpApi(reviewer=reviews) as running:
        yield running


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine; what was compiled before, since that takes half a minute."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KF_PIPELINES_ENDPOINT", "KF_PIPELINES_SA_TOKEN_PATH", "KF_PIPELINES_COOKIE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(runs, "_SETTLED_AFTER", 0.0)
    monkeypatch.setattr(start, "compiled", lambda plan, target: compiled(plan))
