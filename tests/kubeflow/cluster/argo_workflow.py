"""The Workflow of one step from Kubeflow's compiler, and the patch of its driver for the pod.

Both are from the recordings: `workflow.json` and `pod_patches/`. The Workflow is reduced to one
step, without other tasks, dependencies and their arguments. Retries, command, environment, deadline
and Secrets are updated from the current compiled pipeline.
"""

import copy
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent.parent
DRIVER = "root-driver"


@dataclass(frozen=True)
class Step:
    """A step of the compiled pipeline, with times that a test can wait for.

    Attributes:
        name: Of the component, as in the graph.
        timeout: Seconds that replace `cluster.timeout_seconds`; the policy's `backoffMaxDuration`
            is scaled with it.
        wait: Seconds that replace the policy's `backoffDuration`.
        policy: Other fields of the policy, which replace the compiled ones.
        class_path: Of the executor that replaces the component's.
    """

    name: str = "Trainer"
    timeout: int = 3600
    wait: int = 1
    policy: dict[str, Any] | None = None
    class_path: str | None = None

    def workflow(self, name: str) -> dict[str, Any]:
        """Return the Workflow, to be made in any namespace.

        Args:
            name: Its name.
        """
        workflow = json.loads((FOLDER / "recorded/workflow.json").read_text())
        workflow["metadata"]["name"] = name
        for key in ("generateName", "namespace"):
            del workflow["metadata"][key]
        del workflow["status"]
        [dag] = [each for each in workflow["spec"]["templates"] if each["name"] == "root"]
        tasks = {task["name"]: task for task in dag["dag"]["tasks"]}
        driver, step = tasks[f"{self.name}-driver"], tasks[self.name]
        del driver["depends"]
        self._set_retries(step["arguments"]["parameters"])
        dag["dag"]["tasks"] = [driver, step]
        _drop_arguments(workflow["spec"])
        return workflow

    def pod_patch(self) -> dict[str, Any]:
        """Return what the driver lays over the step's pod."""
        file = FOLDER / "recorded/pod_patches" / f"{self.name.lower()}.json"
        patch = json.loads(file.read_text())
        executors, kubernetes = _compiled_executors()
        container = executors[f"{self.name}_executor"]["container"]
        config = kubernetes[f"{self.name}_executor"]
        command: list[str] = [*container["command"], *container["args"], "--backoff_seconds=0.01"]
        if self.class_path:
            command[command.index("--executor_class_path") + 1] = self.class_path
        [main] = patch["containers"]
        main["args"] = command
        main["env"] = [*container.get("env", []), *_secret_variables(config)]
        main["volumeMounts"] = [
            {"name": secret["secretName"], "mountPath": secret["mountPath"]}
            for secret in config.get("secretAsVolume", [])
        ]
        patch["volumes"] = [
            {
                "name": secret["secretName"],
                "secret": {"secretName": secret["secretName"], "optional": secret["optional"]},
            }
            for secret in config.get("secretAsVolume", [])
        ]
        patch["activeDeadlineSeconds"] = self._scaled(int(config["activeDeadlineSeconds"]))
        return patch

    def _set_retries(self, parameters: list[dict[str, Any]]) -> None:
        """getTaskRetryParametersWithValues of argocompiler/container.go."""
        policy = self.retry_policy() | (self.policy or {})
        given = {
            "retry-max-count": policy["maxRetryCount"],
            "retry-backoff-duration": policy["backoffDuration"],
            "retry-backoff-factor": int(policy["backoffFactor"]),
            "retry-backoff-max-duration": policy["backoffMaxDuration"],
        }
        for parameter in parameters:
            if parameter["name"] in given:
                parameter["value"] = str(given.pop(parameter["name"]))
        assert not given, f"the recorded step takes no {', '.join(given)}"

    def retry_policy(self) -> dict[str, Any]:
        """Return the compiled policy of the step, scaled; durations in seconds."""
        root = _compiled()[0]["root"]["dag"]["tasks"]
        policy = copy.deepcopy(root[self.name]["retryPolicy"])
        policy["backoffDuration"] = self.wait
        policy["backoffMaxDuration"] = self._scaled(int(policy["backoffMaxDuration"].rstrip("s")))
        return policy

    def _scaled(self, seconds: int) -> int:
        _, kubernetes = _compiled_executors()
        whole = int(kubernetes[f"{self.name}_executor"]["activeDeadlineSeconds"])
        return seconds * self.timeout // whole


def driver_outputs(step: Step, arguments: dict[str, str]) -> dict[str, str]:
    """Return what a driver writes, by the path of the file.

    Args:
        step: The step of the Workflow.
        arguments: Options of its command line, by their names without dashes.
    """
    if arguments["type"] == "ROOT_DAG":
        return {
            arguments["execution_id_path"]: "1",
            arguments["iteration_count_path"]: "0",
            arguments["condition_path"]: "nil",
        }
    return {
        arguments["pod_spec_patch_path"]: json.dumps(step.pod_patch()),
        arguments["cached_decision_path"]: "false",
        arguments["condition_path"]: "nil",
    }


def _drop_arguments(spec: dict[str, Any]) -> None:
    """Drop the Workflow's arguments that no task uses any more."""
    templates = json.dumps(spec["templates"])
    spec["arguments"]["parameters"] = [
        parameter
        for parameter in spec["arguments"]["parameters"]
        if f"workflow.parameters.{parameter['name']}}}}}" in templates
    ]


@functools.cache
def _compiled() -> tuple[dict[str, Any], dict[str, Any]]:
    """The compiled pipeline, and its platform document."""
    pipeline, platform = yaml.safe_load_all((FOLDER / "golden/kubeflow.yaml").read_text())
    return pipeline, platform


def _compiled_executors() -> tuple[dict[str, Any], dict[str, Any]]:
    pipeline, platform = _compiled()
    kubernetes = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return pipeline["deploymentSpec"]["executors"], kubernetes


def _secret_variables(config: dict[str, Any]) -> list[dict[str, Any]]:
    """extendPodSpecPatch of driver/k8s.go."""
    return [
        {
            "name": pair["envVar"],
            "valueFrom": {"secretKeyRef": {"name": secret["secretName"], "key": pair["secretKey"]}},
        }
        for secret in config.get("secretAsEnv", [])
        for pair in secret["keyToEnv"]
    ]
