"""One container, as the launcher runs it: files in, the command, files and facts out.

Rules of backend/src/v2/component/launcher_v2.go and backend/src/v2/metadata/converter.go.
"""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec import pipeline_spec_pb2 as specs

from . import placeholders
from .documents import Refused, in_words_of_go
from .objects import Objects, local_path, parts
from .template import Task

ROOT_VARIABLE = "CUSTOMER_AGE_LAUNCHER_ROOT"
"""Names our entry point the folder that represents a pod's `/`: `/minio/...` is under it."""
LOGS = "executor-logs"
"""The output that Kubeflow gives to each task: what its command printed."""
DEADLINE = "Pod was active on the node longer than the specified deadline"
_WORD_LIMIT = 128 * 1024
"""Bytes; Linux starts no process with a longer argument (MAX_ARG_STRLEN)."""


@dataclasses.dataclass(frozen=True)
class Pod:
    """Where a container runs: a file system of its own, its environment, and for how long."""

    root: Path
    environment: Mapping[str, str]
    timeout: float | None
    log: Path
    retry: int = 0
    """The number of this attempt among the retries: KFP_RETRY_INDEX."""
    python: str = sys.executable

    def variables(self, task: Task) -> dict[str, str]:
        """The environment of the launcher, and of the command that it starts."""
        own = {variable.name: variable.value for variable in task.executor.container.env}
        return {**self.environment, **own}


class ContainerFailed(Exception):
    """The pod failed: its command, what that left, or something before it was no good."""


class PodLost(Exception):
    """The pod is gone with its node, or was deleted; an evicted one has failed instead."""


def run_container(task: Task, executor_input: specs.ExecutorInput, pod: Pod) -> None:
    """Run the command as a process of its own, and wait for it.

    Raises:
        ContainerFailed: it failed, or took too long.
        Refused: the command cannot be built.
    """
    container = task.executor.container
    given = specs.ExecutorInput()
    given.CopyFrom(executor_input)
    for name, definition in task.component.input_definitions.parameters.items():  # addDefaultParams
        if definition.HasField("default_value") and name not in given.inputs.parameter_values:
            given.inputs.parameter_values[name].CopyFrom(definition.default_value)
    as_json = json.dumps(json_format.MessageToDict(given), separators=(",", ":"))
    command = placeholders.fill([*container.command, *container.args], given, as_json)
    if not command:
        raise Refused(f"{task.name}: command and arguments are empty")
    for word in command:
        if len(word.encode()) >= _WORD_LIMIT:
            raise Refused(f"{task.name}: argument list too long: {word[:60]}...")
    if command[0] in ("python", "python3"):
        command[0] = pod.python
    work = pod.root / "work"
    work.mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(work),
        "TMPDIR": str(pod.root / "tmp"),
        **pod.variables(task),
    }
    (pod.root / "tmp").mkdir(exist_ok=True)
    with pod.log.open("wb") as log:
        try:
            ended = subprocess.run(
                command,
                cwd=work,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=pod.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ContainerFailed(DEADLINE) from error
    if ended.returncode:
        raise ContainerFailed(f"exit status {ended.returncode}")


def download_inputs(executor_input: specs.ExecutorInput, objects: Objects, root: Path) -> None:
    """downloadArtifacts: copy the files of the URIs; ignore other kinds of URI."""
    for artifacts in executor_input.inputs.artifacts.values():
        for artifact in artifacts.artifacts:
            with contextlib.suppress(Refused):
                local_path(artifact.uri)
                objects.download(artifact.uri, root)


def prepare_output_folders(executor_input: specs.ExecutorInput, root: Path) -> None:
    """prepareOutputFolders: the folder above each output, never the output itself."""
    paths = [parameter.output_file for parameter in executor_input.outputs.parameters.values()]
    for artifacts in executor_input.outputs.artifacts.values():
        paths += [local_path(artifact.uri) for artifact in artifacts.artifacts]
    for path in paths:
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)


def upload_outputs(
    executor_input: specs.ExecutorInput, objects: Objects, root: Path, pipeline_root: str
) -> None:
    """uploadOutputArtifacts: what was not made is only logged; all must be under the root."""
    scheme, bucket, key = parts(pipeline_root)
    prefix = f"{scheme}://{bucket}{key.rstrip('/')}"
    for name, artifacts in executor_input.outputs.artifacts.items():
        for artifact in artifacts.artifacts:
            if not artifact.uri.startswith(prefix):
                raise ContainerFailed(
                    f'failed to upload output artifact "{name}": URI "{artifact.uri}" does not '
                    f'have expected bucket prefix "{prefix}"'
                )
            objects.upload(artifact.uri, root)


def number_logs(executor_input: specs.ExecutorInput, retry: int) -> None:
    """qualifyExecutorLogsForRetry: each attempt has a log of its own."""
    for artifact in executor_input.outputs.artifacts[LOGS].artifacts:
        artifact.uri = f"{artifact.uri.removesuffix(f'-{retry}')}-{retry}"


def keep_log(executor_input: specs.ExecutorInput, pod: Pod, objects: Objects) -> None:
    """getLogWriter, for a failed command: only its log is uploaded."""
    for artifact in executor_input.outputs.artifacts[LOGS].artifacts:
        if pod.log.exists():
            file = pod.root / local_path(artifact.uri).lstrip("/")
            file.write_bytes(pod.log.read_bytes())
            objects.upload(artifact.uri, pod.root)


def end_log(pod: Pod, message: str) -> None:
    """The pod's log always ends with the launcher's line: glog.Exit."""
    with pod.log.open("a") as log:
        log.write(f"F1126 12:00:00.000000       1 main.go:130] {message}\n")


def read_output_file(file: Path, seen_as: str) -> specs.ExecutorOutput:
    """getExecutorOutputFile: a missing file is valid, an unknown field is not."""
    if not file.exists():
        return specs.ExecutorOutput()
    try:
        return json_format.Parse(file.read_text(), specs.ExecutorOutput())
    except json_format.ParseError as error:
        raise ContainerFailed(
            f'failed to unmarshall ExecutorOutput in file "{seen_as}": {in_words_of_go(error)}'
        ) from error


def merge_outputs(executor_input: specs.ExecutorInput, output: specs.ExecutorOutput) -> None:
    """mergeRuntimeArtifacts: of each first artifact, the URI and the metadata; no name, no type."""
    for name, artifacts in executor_input.outputs.artifacts.items():
        if name == LOGS or name not in output.artifacts or not output.artifacts[name].artifacts:
            continue
        written = output.artifacts[name].artifacts[0]
        for artifact in artifacts.artifacts:
            artifact.uri = written.uri or artifact.uri
            for key, value in written.metadata.fields.items():
                artifact.metadata.fields[key].CopyFrom(value)


def output_parameters(
    task: Task, executor_input: specs.ExecutorInput, output: specs.ExecutorOutput, root: Path
) -> dict[str, Value]:
    """collectOutputParameters: from the output file, or from one file for each parameter."""
    values = dict(output.parameter_values)
    for name, parameter in executor_input.outputs.parameters.items():
        if name in values:
            continue
        file = root / parameter.output_file.lstrip("/")
        if not file.exists():
            raise ContainerFailed(f"failed to read output parameter name={name!r}: no {file}")
        values[name] = _from_text(
            file.read_text(), task.component.output_definitions.parameters[name].parameter_type
        )
    return values


def _from_text(text: str, parameter_type: int) -> Value:
    if parameter_type == specs.ParameterType.STRING:
        return Value(string_value=text)
    try:
        return json_format.ParseDict(json.loads(text), Value())
    except ValueError as error:
        raise ContainerFailed(f"TextToPbValue(text={text!r}): {error}") from error
