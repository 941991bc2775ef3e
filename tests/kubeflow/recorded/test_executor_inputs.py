"""The stand-in gives our components what Kubeflow's driver gave them in a recorded run."""

import json
import re
from pathlib import Path

import pytest
import yaml
from backend_stand_in.driver import provision_outputs
from backend_stand_in.kubeflow import KubeflowBackend, KubeflowService, output_uri
from backend_stand_in.namespace import own_namespace
from backend_stand_in.pods import Cluster
from backend_stand_in.retries import KubeflowRetries
from backend_stand_in.run import State
from backend_stand_in.sessions import imported_session, session_of
from backend_stand_in.template import Executor, Task
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes
from kfp.pipeline_spec import pipeline_spec_pb2 as specs
from words_pipeline import container, pipeline

HERE = Path(__file__).parent
COMPONENTS = sorted(file.stem for file in (HERE / "executor_inputs").glob("*.json"))
ROOT = "s3://ages/runs"
RUN_ID = "22222222-2222-3333-4444-555555555555"
SALT = re.compile("(?<=/)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=/)")
PROVIDERS = """
    s3:
      default:
        endpoint: 127.0.0.1:15555
        region: us-east-1
        disableSSL: true
        credentials:
          fromEnv: false
          secretRef: {secretName: object-store, accessKeyKey: accesskey, secretKeyKey: secretkey}
"""


def recorded(component):
    return json.loads((HERE / "executor_inputs" / f"{component}.json").read_text())


def patch(component):
    return json.loads((HERE / "pod_patches" / f"{component}.json").read_text())


def option(component, name):
    command = patch(component)["containers"][0]["command"]
    return command[command.index(name) + 1]


def component_of(name):
    return json_format.Parse(option(name, "--component_spec"), specs.ComponentSpec())


def task_of(name, spec=None):
    config = kubernetes.KubernetesExecutorConfig()
    task = spec or specs.PipelineTaskSpec()
    return Task(name, task, component_of(name), Executor(), config, frozenset())


@pytest.mark.parametrize("component", COMPONENTS)
def test_outputs_are_where_the_driver_put_them(component):
    expected = recorded(component)["outputs"]
    [task, _, _] = expected["outputFile"].rsplit("/", 3)[1:]
    folder = output_uri(output_uri(ROOT, "tiny", RUN_ID), task, "SALT")
    made = specs.ExecutorInput()
    provision_outputs(task_of(component), made, folder, KubeflowService())
    expected = json.loads(SALT.sub("SALT", json.dumps(expected).replace(RUN_ID, "RUN")))
    ours = json.loads(json.dumps(json_format.MessageToDict(made.outputs)).replace(RUN_ID, "RUN"))
    assert ours == expected
    assert ours["artifacts"]["executor-logs"]["artifacts"][0]["uri"].startswith(
        f"{ROOT}/tiny/RUN/{task}/SALT/"
    )


@pytest.mark.parametrize("component", COMPONENTS)
def test_inputs_contain_the_access_to_their_store(component):
    ours = session_of(ROOT, {"providers": PROVIDERS}).as_json()
    for name, artifacts in recorded(component)["inputs"].get("artifacts", {}).items():
        for artifact in artifacts["artifacts"]:
            found = artifact["metadata"]["store_session_info"]
            imported = name == "data_set"
            assert found == (imported_session(artifact["uri"]).as_json() if imported else ours)


def test_a_task_sees_the_artifact_of_another_as_it_was_recorded(tmp_path):
    run = KubeflowBackend(tmp_path).run(yaml.safe_dump(pipeline()))
    seen = json_format.MessageToDict(run.inputs["Take"].inputs.artifacts["made"].artifacts[0])
    [known] = recorded("statisticsgen")["inputs"]["artifacts"]["examples"]["artifacts"]
    assert set(seen) == set(known)
    assert seen["name"].isdecimal()
    assert known["name"].isdecimal()
    assert seen["type"] == known["type"] == {"instanceSchema": ""}
    assert {"display_name", "store_session_info"} <= set(seen["metadata"]) & set(known["metadata"])


def test_the_log_of_each_attempt_is_kept(tmp_path):
    backend = KubeflowBackend(tmp_path)
    run = backend.run(yaml.safe_dump(pipeline()), {"words": "good day"})
    logs = run.artifact("Take", "executor-logs")
    assert logs.type == "system.Artifact"
    assert logs.uri.startswith(f"minio://mlpipeline/v2/artifacts/words/{run.id}/Take/")
    assert logs.uri.endswith("/executor-logs-0")
    assert "taken: good day" in backend.objects.path(logs.uri).read_text()


def test_the_log_of_a_failed_step_is_all_that_it_leaves(tmp_path):
    spec = pipeline()
    code = """
    [made] = outputs["artifacts"]["made"]["artifacts"]
    local(made).mkdir()
    (local(made) / "words.txt").write_text("half")
    sys.exit("customer-age: Make failed")
    """
    spec["deploymentSpec"]["executors"]["make"] = container(code)
    backend = KubeflowBackend(tmp_path)
    run = backend.run(yaml.safe_dump(spec))
    assert run.states["Make"] is State.FAILED
    made = run.inputs["Make"].outputs.artifacts
    kept = backend.objects.path(made["executor-logs"].artifacts[0].uri).read_text()
    assert kept.splitlines()[-1] == "customer-age: Make failed"
    assert not backend.objects.path(made["made"].artifacts[0].uri).exists()
    found = run.log("Make").splitlines()
    assert found[-2] == "customer-age: Make failed"
    assert found[-1].endswith("failed to execute component: exit status 1")


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_pod_gets_the_content_of_the_patch(component):
    """Its Secret's keys as variables, and its input as the one that is recorded."""
    given = patch(component)
    [main] = given["containers"]
    assert json.loads(option(component, "--executor_input")) == recorded(component)
    variables = {}
    config = kubernetes.KubernetesExecutorConfig()
    for variable in main["env"]:
        source = variable["valueFrom"]["secretKeyRef"]
        one = config.secret_as_env.add(secret_name=source["name"])
        one.key_to_env.add(secret_key=source["key"], env_var=variable["name"])
        variables[variable["name"]] = f"the {source['key']}"
    cluster = Cluster(
        secrets={"object-store": {"accesskey": "the accesskey", "secretkey": "the secretkey"}}
    )
    task = Task(component, specs.PipelineTaskSpec(), component_of(component), Executor(), config,
                frozenset())  # fmt: skip
    assert variables.items() <= cluster.environment(task, "pod").items()


def test_the_workflow_has_the_retries_that_the_stand_in_reads():
    workflow = json.loads((HERE / "workflow.json").read_text())["spec"]
    templates = {template["name"]: template for template in workflow["templates"]}
    strategy = templates["retry-system-container-impl"]["retryStrategy"]
    assert set(strategy) == {"limit", "backoff"}, "no policy: Argo's own, or the controller's"
    assert "retryStrategy" not in templates["system-importer"]
    tasks = {task["name"]: task for task in templates["root"]["dag"]["tasks"]}
    assert "depends" not in tasks["DataSet"]
    for name in ("Trainer", "RegistryPusher"):
        found = _arguments(tasks[name])
        spec = json_format.Parse(
            _arguments(tasks[f"{name}-driver"])["task"], specs.PipelineTaskSpec()
        )
        ours = KubeflowRetries("2.16.1").of_task(spec)
        assert ours.limit == int(found["retry-max-count"])
        assert ours.wait == int(found["retry-backoff-duration"])
        assert ours.factor == int(found["retry-backoff-factor"])
        assert ours.within == int(found["retry-backoff-max-duration"])


def _arguments(task):
    return {one["name"]: one.get("value") for one in task["arguments"]["parameters"]}


def test_a_default_without_an_argument(tmp_path):
    """The launcher knows the default; the driver has ended the task, or emptied the text."""
    spec = pipeline()
    inputs = spec["components"]["make"]["inputDefinitions"]["parameters"]
    inputs["more"] = {"parameterType": "STRING", "defaultValue": "x"}
    run = KubeflowBackend(tmp_path / "text", own_namespace(archive_logs=False)).run(
        yaml.safe_dump(spec)
    )
    assert run.inputs["Make"].inputs.parameter_values["more"].string_value == ""
    for kind, default in (("NUMBER_INTEGER", 1), ("NUMBER_DOUBLE", 1.5), ("LIST", [1])):
        inputs["more"] = {"parameterType": kind, "defaultValue": default}
        run = KubeflowBackend(tmp_path / kind).run(yaml.safe_dump(spec))
        assert run.states["Make"] is State.FAILED
        assert run.error == "parameter more has unknown protobuf.Value type: <nil>"
