"""A tiny pipeline for a cluster, and the photos and the registry that it is run with."""

import shutil
from pathlib import Path

import pytest

from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.settings import Settings

TINY = Path(__file__).parent.parent / "e2e" / "tiny.yaml"


@pytest.fixture(scope="session")
def tiny_settings():
    """The settings of a whole run in two minutes, for a cluster."""

    def load(data: str, root: str, *overrides: str) -> Settings:
        given = {
            "data.path": data,
            "trainer.epochs": 1,
            "cluster.pipeline_root": root,
            "cluster.image": "registry.example.org/customer-age:test",
            "registry.uri": "mlflow+http://nobody.asks:5000",
        }
        lines = [f"{name}={value}" for name, value in given.items()]
        return loading.load(str(TINY), (*lines, *overrides))

    return load


@pytest.fixture(scope="session")
def put_photos(photos):
    """Put the photos into a bucket of a back end."""

    def put(backend, uri):
        shutil.copytree(photos, backend.objects.path(uri))

    return put


@pytest.fixture(scope="session")
def versions_in():
    """The versions in a registry, and the champion's number."""

    def read(uri):
        from customer_age.model_registry import open_registry

        registry = open_registry(uri, "customer-age")
        champion = registry.champion()
        return registry.versions(), champion and champion.version

    return read
