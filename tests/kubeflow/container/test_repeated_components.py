"""The real entry point repeats components that fail: each try is a process that imports TFX."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RUN = "minio://mlpipeline/v2/artifacts/run-1"

pytestmark = [pytest.mark.slow, pytest.mark.one_line]


@dataclass
class Ended:
    exit_code: int
    log: list[str]
    tries: list[dict]


class Pod:
    """What Kubeflow's launcher makes of one task, in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.output_file = folder / "tmp/kfp_outputs/output_metadata.json"

    def path(self, uri: str) -> Path:
        return self.folder / "minio" / uri.removeprefix("minio://")

    def run(
        self,
        executor: str,
        acts: str,
        inputs: dict[str, dict],
        output: dict,
        parameters: dict[str, object],
        retries: int = 2,
        python: str = sys.executable,
    ) -> Ended:
        faults = self.folder / "faults"
        faults.mkdir(exist_ok=True)
        (faults / "acts").write_text(acts)
        (faults / "tries").unlink(missing_ok=True)
        [(key, made)] = output.items()
        message = {
            "inputs": {
                "artifacts": {name: {"artifacts": [one]} for name, one in inputs.items()},
                "parameterValues": parameters,
            },
            "outputs": {
                "artifacts": {key: {"artifacts": [made]}},
                "outputFile": str(self.output_file),
            },
        }
        spec = {
            "artifacts": {
                name: {"artifactType": {"schemaTitle": one["type"]["schemaTitle"]}}
                for name, one in inputs.items()
            },
            "parameters": {name: {"parameterType": "STRING"} for name in parameters},
        }
        process = subprocess.run(
            [
                *(python, "-m", "customer_age.kubeflow.container.entrypoint"),
                *("--executor_class_path", f"faulty_executors.{executor}"),
                *("--json_serialized_invocation_args", json.dumps(message)),
                *("--json_serialized_inputs_spec_args", json.dumps(spec)),
                *(f"--max_retries={retries}", "--backoff_seconds=0.01"),
            ],
            env={
                **os.environ,
                "CUSTOMER_AGE_LAUNCHER_ROOT": str(self.folder),
                "FAULTS": str(faults),
                "PYTHONPATH": str(HERE),
                "TMPDIR": str(self.folder),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        tries = [json.loads(line) for line in (faults / "tries").read_text().splitlines()]
        return Ended(process.returncode, process.stdout.splitlines(), tries)


def artifact(name: str, title: str, **metadata: object) -> dict:
    uri = f"{RUN}/{name}"
    return {"name": name, "uri": uri, "type": {"schemaTitle": title}, "metadata": metadata}


@pytest.fixture
def pod(tmp_path):
    return Pod(tmp_path)


MODEL = {"model": artifact("model", "tfx.Model")}


def test_a_component_that_fails_is_tried_again_with_empty_outputs(pod):
    ended = pod.run("Executor", "kill,connection,end", {}, MODEL, {})
    assert ended.exit_code == 0, "\n".join(ended.log)
    assert [one["found"] for one in ended.tries] == [[], [], []]
    assert len({one["pid"] for one in ended.tries}) == 3
    assert sorted(file.name for file in pod.path(f"{RUN}/model").iterdir()) == ["half-end", "whole"]
    said = [line for line in ended.log if line.startswith("customer-age: ")]
    assert [line.split(": ")[1] for line in said] == [
        "attempt 2 of 3 in 0.01 s",
        "attempt 3 of 3 in 0.02 s",
    ]
    assert "was ended by SIGKILL" in said[0]
    assert "ConnectionResetError: the store hung up" in said[1]
    assert json.loads(pod.output_file.read_text())["artifacts"]["model"]
    assert {file.name for file in pod.folder.iterdir()} == {"faults", "minio", "tmp"}, "no scratch"


def test_a_bug_is_not_retried(pod):
    ended = pod.run("Executor", "type,end", {}, MODEL, {})
    assert (ended.exit_code, len(ended.tries)) == (1, 1)
    assert ended.log[-1].startswith("customer-age: ")
    assert "TypeError: one argument too many" in ended.log[-1]
    assert any("Traceback" in line for line in ended.log)
    assert not pod.output_file.exists()


def test_a_training_resumes_in_another_pod(
    tmp_path, s3_endpoint, aws_credentials, preloaded_python
):
    """A pod after another run of its driver; the launcher's store is an S3 server."""
    import boto3

    bucket = boto3.client("s3", endpoint_url=s3_endpoint)
    bucket.create_bucket(Bucket="mlpipeline")

    def kept():
        return [one["Key"] for one in bucket.list_objects(Bucket="mlpipeline").get("Contents", [])]

    host = s3_endpoint.removeprefix("http://")
    session = {"Provider": "minio", "Params": {"endpoint": host, "disableSSL": "true"}}
    given = {"examples": artifact("x", "tfx.Examples", store_session_info=json.dumps(session))}
    for number, (acts, retries, found) in enumerate(
        [("connection", 0, [""]), ("connection,end", 1, ["+", "++"])]
    ):
        folder = tmp_path / f"pod-{number}"
        folder.mkdir()
        drawn = f"1766d3b4-8f69-43f1-ac3c-2990e66b435{number}"
        made = {"model": artifact(f"Trainer/{drawn}/model", "tfx.Model")}
        pod = Pod(folder)
        ended = pod.run("Trainer_Executor", acts, given, made, {}, retries, preloaded_python)
        assert ended.exit_code == (0 if "end" in acts else 1), "\n".join(ended.log[-20:])
        assert [one["kept"] for one in ended.tries] == found
        place = "v2/artifacts/run-1/Trainer/checkpoint/checkpoint.npz"
        assert kept() == ([] if "end" in acts else [place])
        assert not list(folder.glob("tmp*/**/checkpoint.npz")), "nothing is left on the disk"


def test_a_publisher_that_was_interrupted_publishes_one_version(pod):
    """In its upload, with a version and no champion, and with a champion."""
    from customer_age.components.artifacts.ingestion import Ingestion, write_ingestion
    from customer_age.components.artifacts.training import Training
    from customer_age.components.registry_pusher.lineage import Lineage
    from customer_age.model_registry import open_registry

    uri = f"mlflow+sqlite:///{pod.folder}/registry/mlflow.db"
    serving = pod.path(f"{RUN}/model") / "Format-Serving"
    (serving / "variables").mkdir(parents=True)
    (serving / "saved_model.pb").write_bytes(b"a model")
    (serving / "variables/variables.index").write_bytes(b"index")
    examples, model_run = pod.path(f"{RUN}/examples"), pod.path(f"{RUN}/model_run")
    for folder in (examples, model_run):
        folder.mkdir()
    photos = {"train": 5, "valid": 1, "test": 20}
    write_ingestion(str(examples), Ingestion(rows=26, photos=photos, refused={}, seconds=1.5))
    training = Training(
        weights="none",
        input_size=64,
        history=[],
        best_epoch=1,
        median_age=40.0,
        photos=5,
        device="2 CPU cores",
        precision="float32",
        seconds=9.0,
    )
    (model_run / "training.json").write_text(training.model_dump_json())
    lineage = Lineage(
        run_key="key",
        data_fingerprint="data",
        weights_fingerprint="none",
        code_version="c0de",
        tfx_version="1",
        settings={},
    )
    ended = pod.run(
        "Pusher",
        "kill at _describe,fail at add,kill at set_champion,end",
        {
            "model": artifact("model", "tfx.Model"),
            "model_blessing": artifact("blessing", "tfx.ModelBlessing", blessed=1.0),
            "evaluation": artifact("evaluation", "tfx.ModelEvaluation"),
            "examples": artifact("examples", "tfx.Examples"),
            "baseline": artifact("baseline", "tfx.Model", kind="median", version=""),
            "model_run": artifact("model_run", "tfx.ModelRun"),
        },
        {"pushed_model": artifact("pushed", "tfx.PushedModel")},
        {
            "registry_uri": uri,
            "model_name": "customer-age",
            "lineage": lineage.model_dump_json(),
            "run_id": "first",
        },
        retries=3,
    )
    assert ended.exit_code == 0, "\n".join(ended.log[-40:])
    assert len(ended.tries) == 4
    registry = open_registry(uri, "customer-age")
    assert [version.version for version in registry.versions()] == ["1"]
    champion = registry.champion()
    assert champion.version == "1"
    assert champion.tags["run_id"] == "first"
    assert len(list((pod.folder / "registry/artifacts").glob("*/artifacts"))) == 1, "no half upload"
    given = json.loads(pod.output_file.read_text())["artifacts"]["pushed_model"]["artifacts"][0]
    assert given["metadata"]["pushed_version"] == "1"
