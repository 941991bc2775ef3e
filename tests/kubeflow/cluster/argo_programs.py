"""What the containers of a step's pods do: Argo's own, Kubeflow's, and ours.

Argo's `init` and `wait` and Kubeflow's driver and launcher are in images that no registry serves:
here are what they leave behind, from the recordings, and the rules of argoexec's
`commands/wait.go` and Kubeflow's `launcher_v2.go`. The command behind the launcher is real.
"""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argo_workflow import Step, driver_outputs
from backend_stand_in.launcher import ROOT_VARIABLE, download_inputs, prepare_output_folders
from backend_stand_in.objects import Objects
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as specs
from kubernetes import client
from kubernetes.client.exceptions import ApiException

COMPLETED = "workflows.argoproj.io/report-outputs-completed"
NODE_ID = "workflows.argoproj.io/node-id"
WORKFLOW = "workflows.argoproj.io/workflow"
_KIND = ("argoproj.io", "v1alpha1")
_PLURAL = "workflowtaskresults"
_FAULTS = Path(__file__).parent / "argo_faults"
_EXECUTORS = Path(__file__).parent.parent / "container"


@dataclass(frozen=True)
class StepPrograms:
    """The containers of one pod.

    Attributes:
        api: Of the server, for Argo's own objects.
        pod: Of a Workflow.
        root: Folder that it sees as `/`.
        step: The step of the Workflow.
        objects: The object store.
        faults: Folder of what its tries shall do, and have done.
        parameters: Of the step's input, in place of those recorded.
    """

    api: client.CustomObjectsApi
    pod: client.V1Pod
    root: Path
    step: Step
    objects: Objects
    faults: Path
    parameters: Mapping[str, object]

    def start(
        self, container: client.V1Container, environment: dict[str, str]
    ) -> subprocess.Popen[bytes] | None:
        """Start a container's command; None if it has already succeeded."""
        if container.name != "main":
            return None  # Argo's `init`, and the one that copies the launcher
        words = [*container.command, *(container.args or [])]
        command = words[words.index("--") + 1 :]  # behind the emissary
        if command[0] == "driver":
            self._drive(command)
            return None
        assert command[0] == "/kfp-launcher/launch", f"no such program: {command[0]}"
        return self._launch(command, environment)

    def exit_code(self, ended_with: int) -> int:
        """Return a container's exit code: Kubeflow's launcher turns each failure into 1."""
        return 128 - ended_with if ended_with < 0 else min(ended_with, 1)

    def wait_started(self) -> None:
        """InitializeOutput: a result that is not complete."""
        body = {
            "apiVersion": "/".join(_KIND),
            "kind": "WorkflowTaskResult",
            "metadata": {
                "name": self._node_id,
                "labels": {
                    WORKFLOW: self.pod.metadata.labels[WORKFLOW],
                    COMPLETED: "false",
                },
            },
        }
        try:
            self.api.create_namespaced_custom_object(
                *_KIND, self.pod.metadata.namespace, _PLURAL, body
            )
        except ApiException as error:
            if error.status != 409:  # a pod of the same name was lost: its result is gone on with
                raise

    def wait_ended(self) -> None:
        """SaveParameters, ReportOutputs and FinalizeOutput."""
        [template] = {
            variable.value
            for container in self.pod.spec.init_containers
            for variable in container.env or []
            if variable.name == "ARGO_TEMPLATE"
        }
        parameters = json.loads(template).get("outputs", {}).get("parameters", [])
        body = {
            "metadata": {"labels": {COMPLETED: "true"}},
            "outputs": {"parameters": [self._with_value(each) for each in parameters]},
        }
        self.api.patch_namespaced_custom_object(
            *_KIND, self.pod.metadata.namespace, _PLURAL, self._node_id, body
        )

    @property
    def _node_id(self) -> str:
        return str(self.pod.metadata.annotations[NODE_ID])

    def _with_value(self, parameter: dict[str, Any]) -> dict[str, Any]:
        source = parameter["valueFrom"]
        file = self.root / source["path"].lstrip("/")
        return parameter | {"value": file.read_text() if file.exists() else source["default"]}

    def _drive(self, command: list[str]) -> None:
        """Answer as the driver did."""
        arguments = {name.removeprefix("--"): value for name, value in itertools.pairwise(command)}
        for path, value in driver_outputs(self.step, arguments).items():
            file = self.root / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(value)

    def _launch(self, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start what is behind the launcher, on the files that it has fetched."""
        given = json_format.Parse(
            command[command.index("--executor_input") + 1], specs.ExecutorInput()
        )
        for name, value in self.parameters.items():
            json_format.ParseDict(value, given.inputs.parameter_values[name])
        download_inputs(given, self.objects, self.root)
        prepare_output_folders(given, self.root)
        words = command[command.index("--") + 1 :]
        words = [json_format.MessageToJson(given) if word == "{{$}}" else word for word in words]
        assert words[0] == "python"
        for folder in ("tmp", "work"):
            (self.root / folder).mkdir(exist_ok=True)
        image = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "work"),
            "TMPDIR": str(self.root / "tmp"),
            "PYTHONPATH": f"{_FAULTS}:{_EXECUTORS}",
            "FAULTS": str(self.faults),
            ROOT_VARIABLE: str(self.root),
        }
        with (self.root / "log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, *words[1:]],
                env=image | environment,
                cwd=self.root / "work",
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
