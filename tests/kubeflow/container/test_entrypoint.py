"""The entry point as a process, started as Kubeflow's launcher starts it."""

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image

RUN = "minio://mlpipeline/v2/artifacts/run-1"


@dataclass
class Step:
    """How a container ended."""

    exit_code: int
    log: str
    outputs: dict = field(default_factory=dict)


class Launcher:
    """Does for one container what Kubeflow's launcher and ML Metadata do.

    The store is a folder tree, and every container has a fresh folder for the launcher's local
    paths, as every pod has.
    """

    def __init__(self, folder: Path, python: str):
        self._python = python
        self._store = folder / "store"
        self._folder = folder
        self._metadata: dict[str, dict] = {}
        self._pods = 0

    def put(self, uri: str, source: Path) -> None:
        shutil.copytree(source, self._in_store(uri))
        self._metadata[uri] = {}

    def files(self, uri: str) -> list[str]:
        folder = self._in_store(uri)
        return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*.*"))

    def text(self, uri: str) -> str:
        return self._in_store(uri).read_text(encoding="utf-8")

    def run(self, component, inputs: dict[str, str], *options: str) -> Step:
        """Run a component on artifacts that are in the store."""
        from google.protobuf import json_format
        from tfx.orchestration.kubeflow.v2 import compiler_utils
        from tfx.utils import name_utils

        from customer_age.kubeflow.artifact_types import SYSTEM_TITLES

        spec = {
            "artifacts": {
                key: json_format.MessageToDict(compiler_utils.build_input_artifact_spec(channel))
                for key, channel in component.inputs.items()
            },
            "parameters": {
                name: json_format.MessageToDict(compiler_utils.build_parameter_type_spec(value))
                for name, value in component.exec_properties.items()
                if value is not None
            },
        }
        parameters = {
            name: json_format.MessageToDict(compiler_utils.value_converter(value).constant)
            for name, value in component.exec_properties.items()
            if value is not None
        }
        outputs = {}
        for key, channel in component.outputs.items():
            kind = channel.type.TYPE_NAME
            title = SYSTEM_TITLES.get(kind, kind if "." in kind else f"tfx.{kind}")
            uri = f"{RUN}/{component.id}/{key}"
            outputs[key] = {"name": key, "uri": uri, "type": {"schemaTitle": title}}
        pod = self._pod()
        output_file = pod / "tmp/kfp_outputs/output_metadata.json"
        message = {
            "inputs": {
                "artifacts": {
                    key: {"artifacts": [self._as_input(uri)]} for key, uri in inputs.items()
                },
                "parameterValues": parameters,
            },
            "outputs": {
                "artifacts": {key: {"artifacts": [one]} for key, one in outputs.items()},
                "outputFile": str(output_file),
            },
        }
        for uri in inputs.values():
            if self._in_store(uri).exists():
                shutil.copytree(self._in_store(uri), self._local(pod, uri))
        command = [
            *(self._python, "-m", "customer_age.kubeflow.container.entrypoint"),
            *(
                "--executor_class_path",
                name_utils.get_full_name(component.executor_spec.executor_class),
            ),
            *("--json_serialized_invocation_args", json.dumps(message)),
            *("--json_serialized_inputs_spec_args", json.dumps(spec)),
            *("--sdk_container_image=none", *options),
        ]
        ended = subprocess.run(
            command,
            env={**os.environ, "CUSTOMER_AGE_LAUNCHER_ROOT": str(pod)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if ended.returncode:
            assert not output_file.exists(), "a failed step leaves no output for the launcher"
            return Step(ended.returncode, ended.stdout)
        given = json.loads(output_file.read_text())["artifacts"]
        return Step(0, ended.stdout, {key: self._upload(pod, one) for key, one in given.items()})

    def _upload(self, pod: Path, given: dict) -> str:
        """Keep an output's files and metadata; gives its URI."""
        (one,) = given["artifacts"]
        uri, local = one["uri"], self._local(pod, one["uri"])
        target = self._in_store(uri)
        if local.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(local, target)
        for file in local.rglob("*"):
            if file.is_file():  # a store has no empty folders
                copy = target / file.relative_to(local)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)
        assert not any(value is None for value in one.get("metadata", {}).values())
        self._metadata[uri] = one.get("metadata", {})
        return uri

    def _as_input(self, uri: str) -> dict:
        """An artifact as ML Metadata give it back: numbers are doubles, the type is lost."""
        kept = {"display_name": "artifact", "store_session_info": "{}"}
        for name, value in self._metadata[uri].items():
            wrapping = {list: "list", dict: "struct"}.get(type(value))
            number = isinstance(value, int) and not isinstance(value, bool)
            kept[name] = {wrapping: value} if wrapping else float(value) if number else value
        return {"name": "17", "uri": uri, "type": {"instanceSchema": ""}, "metadata": kept}

    def metadata(self, uri: str) -> dict:
        return self._metadata[uri]

    def _pod(self) -> Path:
        self._pods += 1
        pod = self._folder / f"pod-{self._pods}"
        pod.mkdir()
        return pod

    def _in_store(self, uri: str) -> Path:
        return self._store / uri.removeprefix("minio://")

    def _local(self, pod: Path, uri: str) -> Path:
        return pod / "minio" / uri.removeprefix("minio://")


@pytest.fixture(scope="module")
def launcher(tmp_path_factory, preloaded_python) -> Launcher:
    return Launcher(tmp_path_factory.mktemp("cluster"), preloaded_python)


@pytest.fixture(scope="module")
def steps(launcher, tmp_path_factory) -> dict[str, Step]:
    """A pipeline that ends at a DataGate with a limit of 0: one container after another."""
    from tfx.components import ExampleValidator, StatisticsGen
    from tfx.types import standard_artifacts
    from tfx.types.channel import Channel

    from customer_age.components.data_gate import DataGate
    from customer_age.components.photo_example_gen.component import PhotoExampleGen
    from customer_age.components.photo_example_gen.spec import IngestionSpec
    from customer_age.components.photo_schema import PhotoSchema
    from customer_age.components.run_report.component import RunReport
    from customer_age.components.run_report.facts.facts import RunDescription

    data_path = str(photos(tmp_path_factory.mktemp("photos")))
    made: dict[str, Step] = {}

    def run(component, inputs):
        made[component.id] = launcher.run(component, inputs)
        return component, made[component.id]

    example_gen, step = run(
        PhotoExampleGen(data_path, IngestionSpec(age_groups=("0-17", "18+"), min_size=8)), {}
    )
    examples = step.outputs["examples"]
    _, step = run(PhotoSchema(code="1"), {})
    schema = step.outputs["schema"]
    statistics_gen, step = run(
        StatisticsGen(example_gen.outputs["examples"]), {"examples": examples}
    )
    statistics = step.outputs["statistics"]
    validator, step = run(
        ExampleValidator(
            statistics_gen.outputs["statistics"], Channel(type=standard_artifacts.Schema)
        ),
        {"statistics": statistics, "schema": schema},
    )
    anomalies = step.outputs["anomalies"]
    run(
        DataGate(
            examples=example_gen.outputs["examples"],
            anomalies=validator.outputs["anomalies"],
            max_refused_share=0.0,
            max_wrong_ages=0,
            code="1",
        ),
        {"examples": examples, "anomalies": anomalies},
    )
    run(
        RunReport(
            example_gen.outputs["examples"],
            RunDescription(name="cluster"),
            code="1",
            statistics=statistics_gen.outputs["statistics"],
            anomalies=validator.outputs["anomalies"],
        ),
        {"examples": examples, "statistics": statistics, "anomalies": anomalies},
    )
    return made


def photos(folder: Path) -> Path:
    """90 grey squares, and one file that is not a photo."""
    (folder / "final_files").mkdir()
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file_name", "real_age"])
        for number in range(90):
            grey = Image.new("L", (40, 40 + number % 7), 40 + number)
            grey.save(folder / f"final_files/{number:06}.jpg")
            table.writerow([f"{number:06}.jpg", 10 + number % 60])
        (folder / "final_files/000090.jpg").write_text("no photo")
        table.writerow(["000090.jpg", 33])
    return folder


@pytest.mark.slow
def test_each_component_finds_the_outputs_of_earlier_components(steps):
    codes = {name: step.exit_code for name, step in steps.items()}
    assert codes == {
        "PhotoExampleGen": 0,
        "PhotoSchema": 0,
        "StatisticsGen": 0,
        "ExampleValidator": 0,
        "DataGate": 4,
        "RunReport": 0,
    }, "\n".join(step.log for step in steps.values() if step.exit_code not in (0, 4))


@pytest.mark.slow
def test_the_outputs_of_a_component_have_uris_and_properties(steps, launcher):
    uri = steps["PhotoExampleGen"].outputs["examples"]
    assert uri == f"{RUN}/PhotoExampleGen/examples"
    metadata = launcher.metadata(uri)
    assert metadata["split_names"] == '["train", "valid", "test"]'
    assert (metadata["photos"], metadata["refused"]) == (90, 1)
    assert {"ingestion.json", "refused.csv"} <= set(launcher.files(uri))
    assert not any("pod-" in str(value) for value in metadata.values())
    read = steps["PhotoExampleGen"].outputs["data_set"]
    assert (read, launcher.files(read)) == (f"{RUN}/PhotoExampleGen/data_set", ["data_set.json"])
    assert len(launcher.metadata(read)["fingerprint"]) == 64


@pytest.mark.slow
def test_a_refusal_ends_the_log_with_one_line_and_its_own_exit_code(steps):
    log = steps["DataGate"].log.strip().splitlines()
    assert log[-1].startswith("customer-age: DataGate refused the data: ")
    assert "1 of 91 rows refused" in log[-1]
    assert any("Traceback" in line for line in log[:-1])


@pytest.mark.slow
def test_the_uri_of_a_page_is_its_file_and_metrics_are_numbers(steps, launcher):
    outputs = steps["RunReport"].outputs
    assert outputs["report"] == f"{RUN}/RunReport/report/report.html"
    assert outputs["eda"] == f"{RUN}/RunReport/eda/eda.html"
    assert "1 of 91 rows was refused" in launcher.text(outputs["eda"])
    assert launcher.text(outputs["report"]).startswith("<!DOCTYPE html>")
    shown = launcher.metadata(outputs["metrics"])
    assert shown == {
        "photos": 90,
        "refused_photos": 1,
        "anomalies": shown["anomalies"],
        "published": 0,
    }
    assert launcher.files(outputs["metrics"]) == ["metrics.json"]


@pytest.mark.slow
def test_a_component_that_cannot_open_its_input_names_it(launcher):
    from customer_age.components.photo_example_gen.component import PhotoExampleGen
    from customer_age.components.photo_example_gen.spec import IngestionSpec

    uri = f"{RUN}/nothing"
    step = launcher.run(PhotoExampleGen(uri, IngestionSpec(age_groups=("0+",))), {})
    last = step.log.strip().splitlines()[-1]
    assert step.exit_code == 2
    assert last.startswith("customer-age: PhotoExampleGen cannot work with these settings: ")
    assert uri in last


@pytest.mark.parametrize("arguments", [[], ["--executor_class_path", "a.B"]])
def test_an_invalid_command_line_is_refused_before_any_import(arguments):
    ended = subprocess.run(
        [
            sys.executable,
            "-X",
            "importtime",
            "-m",
            "customer_age.kubeflow.container.entrypoint",
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "required" in ended.stderr
    assert "tensorflow" not in ended.stderr


def test_the_interpreter_cannot_crash_at_its_end():
    """A function registered with atexit represents the destructors that crashed."""
    program = (
        "import atexit, os; atexit.register(os.abort); print('all is written');"
        "from customer_age.kubeflow.container import entrypoint; entrypoint.end_process(4)"
    )
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=buffered
    )
    assert (ended.returncode, ended.stdout) == (4, "all is written\n")
