"""Each pod that the manifests and Kubeflow make of ours, as Kubernetes's API server gets it."""

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

from rendered_manifests import of_kind

Object = dict[str, Any]

RECORDED = Path(__file__).parent.parent / "recorded"
STEPS = sorted(file.stem for file in (RECORDED / "pod_patches").iterdir())
"""The components, as the recorded patches are called."""
EXECUTOR = "retry-system-container-impl"
"""The template of Kubeflow's compiler whose pods the patches are for."""


def pod(spec: Object, account: str, metadata: Object | None = None) -> Object:
    """A pod of a specification, in the name of a service account."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**(metadata or {}), "name": "of-a-test"},
        "spec": {**spec, "serviceAccountName": account},
    }


def retraining(objects: list[Object]) -> Object:
    """The pod that an overlay's CronJob makes."""
    [job] = of_kind(objects, "CronJob").values()
    template = job["spec"]["jobTemplate"]["spec"]["template"]
    account = template["spec"]["serviceAccountName"]
    return pod(template["spec"], account, template["metadata"])


def deployed(objects: list[Object]) -> Object:
    """The pod that the Deployment makes: TensorFlow Serving's, or our predictor's."""
    [deployment] = of_kind(objects, "Deployment").values()
    template = deployment["spec"]["template"]
    return pod(template["spec"], "default", template["metadata"])


def predictor(objects: list[Object]) -> Object:
    """The pod that KServe makes, as far as it is ours: KServe adds containers of its own."""
    [service] = of_kind(objects, "InferenceService").values()
    model = service["spec"]["predictor"]["model"]
    container = {
        "name": "kserve-container",
        "image": f"tensorflow/serving:{model['runtimeVersion']}",
        "resources": model["resources"],
        "securityContext": model["securityContext"],
    }
    return pod({"containers": [container]}, service["spec"]["predictor"]["serviceAccountName"])


def kubeflow_templates() -> dict[str, Object]:
    """The pods of the recorded Workflow by template, before Argo adds its own containers."""
    workflow = json.loads((RECORDED / "workflow.json").read_text())
    return {
        template["name"]: _of_template(template)
        for template in workflow["spec"]["templates"]
        if "container" in template
    }


def step(component: str, account: str) -> Object:
    """The pod of a component: Kubeflow's executor with what its driver laid over it.

    They are merged by kubectl, as strategically as Argo's controller does it.
    """
    patch = RECORDED / "pod_patches" / f"{component}.json"
    executor = kubeflow_templates()[EXECUTOR]
    merged = subprocess.run(
        [
            *("kubectl", "patch", "--local", "--type=strategic", "--output=json"),
            *("--filename=-", f"--patch={json.dumps({'spec': json.loads(patch.read_text())})}"),
        ],
        input=json.dumps(executor),
        capture_output=True,
        text=True,
        check=True,
    )
    return pod(json.loads(merged.stdout)["spec"], account)


def changed(given: Object, changes: dict[str, object]) -> Object:
    """A copy with values put at paths such as `spec/containers/0/image`."""
    result = copy.deepcopy(given)
    for path, value in changes.items():
        node: Any = result
        *way, last = path.split("/")
        for name in way:
            node = node[int(name)] if isinstance(node, list) else node.setdefault(name, {})
        if isinstance(node, list):
            node.insert(int(last), value)
        else:
            node[last] = value
    return result


def _of_template(template: Object) -> Object:
    spec: Object = {
        "containers": [{**template["container"], "name": "main"}],
        "restartPolicy": "Never",
        "securityContext": template["securityContext"],
    }
    for name in ("volumes", "initContainers"):
        if name in template:
            spec[name] = template[name]
    return pod(spec, "default", template["metadata"])
