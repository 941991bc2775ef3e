"""The output of `kubectl kustomize` for the manifests, and for copies with more components."""

import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.settings import Settings

MANIFESTS = Path(__file__).parents[2] / "kubeflow" / "manifests"
OWN = ("on-prem-minio", "gke")
"""Overlays for an own namespace."""
PROFILES = ("on-prem-minio-profile", "gke-profile")
"""Overlays for a profile of Kubeflow's."""
STANDALONE = ("on-prem-minio-standalone", "gke-standalone")
"""Overlays for Kubeflow Pipelines alone, in its own namespace."""
SERVED = ("on-prem-minio/serving", "on-prem-minio/predictor", "gke/serving", "gke/predictor")
KUBERNETES = ("1.29", kubernetes_validate.latest_version())

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None,
    reason="kubectl, which renders the manifests, is not installed: nothing of them was tested",
)


def render(folder: Path) -> list[dict]:
    rendered = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert rendered.returncode == 0, rendered.stderr
    return list(yaml.safe_load_all(rendered.stdout))


def namespace_of(overlay: str) -> str:
    if overlay in PROFILES:
        return "example-profile"
    return "kubeflow" if overlay in STANDALONE else "customer-age"


def with_components(copy: Path, overlay: str, *components: str) -> Path:
    """A copy of an overlay whose kustomization.yaml adds more components."""
    shutil.copytree(MANIFESTS, copy)
    file = copy / "overlays" / overlay / "kustomization.yaml"
    file.write_text(f"{file.read_text()}components: [{', '.join(components)}]\n")
    return file.parent


def of_kind(objects: list[dict], kind: str) -> dict[str, dict]:
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def pod_of(cron_job: dict) -> dict:
    return cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def settings_of(objects: list[dict], tmp_path: Path, *overrides: str) -> Settings:
    [name] = [name for name in of_kind(objects, "ConfigMap") if "settings" in name]
    file = tmp_path / "settings.yaml"
    file.write_text(of_kind(objects, "ConfigMap")[name]["data"]["settings.yaml"])
    return loading.load(str(file), overrides)
