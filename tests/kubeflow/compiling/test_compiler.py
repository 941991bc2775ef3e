"""The compiled pipelines, read back through the public message types."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import kfp.components
import pytest
import yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes
from kfp.pipeline_spec import pipeline_spec_pb2

from customer_age.components.run_parameters import ABOUT
from customer_age.kubeflow.compiling import compiler
from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.cluster import COMPONENTS

HERE = Path(__file__).parents[1]
GOLDEN = HERE / "golden"
ON_VERTEX = (
    "cluster.pipeline_root=gs://bucket/root",
    "data.path=gs://bucket/appa_real",
    "cluster.secret_environment=[]",
    "cluster.secret_files=[]",
)


def settings_of(*overrides):
    return loading.load(str(HERE / "cluster.yaml"), overrides)


@pytest.fixture(scope="module")
def kubeflow():
    return compiler.compile_kubeflow(settings_of())


@pytest.fixture(scope="module")
def vertex():
    return compiler.compile_vertex(settings_of(*ON_VERTEX))


@pytest.fixture(scope="module")
def specs(kubeflow, vertex):
    """Target to PipelineSpec; unknown fields are errors."""
    contents = {
        "kubeflow": next(yaml.safe_load_all(kubeflow)),
        "vertex": json.loads(vertex)["pipelineSpec"],
    }
    return {
        target: json_format.ParseDict(content, pipeline_spec_pb2.PipelineSpec())
        for target, content in contents.items()
    }


@pytest.fixture(scope="module")
def containers(specs):
    """Target and component to container."""
    found = {}
    for target, spec in specs.items():
        config = json_format.ParseDict(
            json_format.MessageToDict(spec.deployment_spec),
            pipeline_spec_pb2.PipelineDeploymentConfig(),
        )
        for name, component in spec.components.items():
            executor = config.executors[component.executor_label]
            if executor.HasField("container"):
                found[target, name] = executor.container
    return found


@pytest.fixture(scope="module")
def platform(kubeflow):
    """Component to its Kubernetes options."""
    spec, document = yaml.safe_load_all(kubeflow)
    message = json_format.ParseDict(document, pipeline_spec_pb2.PlatformSpec())
    executors = message.platforms["kubernetes"].deployment_spec.executors
    return {
        name: json_format.ParseDict(
            json_format.MessageToDict(executors[spec["components"][name]["executorLabel"]]),
            kubernetes.KubernetesExecutorConfig(),
        )
        for name in COMPONENTS
    }


def _unversioned(text):
    """Without what depends on the TFX line and on our code's version, not on what is compiled."""
    text = re.sub(r"tfx-\d+\.\d+\.\d+", "tfx-VERSION", text)
    text = re.sub(r"(tfx_(py_)?version\W+)[\d.-]+", r"\1VERSION", text)
    return re.sub(r"\b[0-9a-f]{12}\b|\b[0-9a-f]{16}\b", "FINGERPRINT", text)


def _lines(text):
    text = _unversioned(text)
    documents = [json.loads(text)] if text.startswith("{") else yaml.safe_load_all(text)
    return yaml.safe_dump_all(documents, width=10_000).splitlines()


@pytest.mark.parametrize("file", ["kubeflow.yaml", "vertex.json"])
def test_the_golden_file_is_what_is_compiled(file, kubeflow, vertex):
    """After a change that is meant: UPDATE_GOLDEN=1 make test-fast, and read the difference."""
    compiled = {"kubeflow.yaml": kubeflow, "vertex.json": vertex}[file]
    if os.environ.get("UPDATE_GOLDEN"):
        (GOLDEN / file).write_text(compiled)
    assert _lines(compiled) == _lines((GOLDEN / file).read_text())


def test_the_same_settings_give_the_same_bytes(kubeflow, vertex):
    assert compiler.compile_kubeflow(settings_of()) == kubeflow
    assert compiler.compile_vertex(settings_of(*ON_VERTEX)) == vertex


def test_a_spec_stays_under_200_kilobytes(kubeflow, vertex):
    assert max(len(kubeflow), len(vertex)) < 200_000


def test_nothing_of_this_machine_is_in_it(kubeflow, vertex):
    for text in (kubeflow, vertex):
        assert str(Path.cwd()) not in text
        assert sys.prefix not in text


def test_kfp_loads_it(kubeflow):
    component = kfp.components.load_component_from_text(kubeflow)
    assert component.pipeline_spec.pipeline_info.name == "customer-age"
    assert set(component.platform_spec.platforms) == {"kubernetes"}


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_it_has_the_schema_that_the_back_ends_accept(specs, target):
    assert specs[target].schema_version == "2.1.0"


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_no_task_needs_what_a_back_end_lacks(specs, target):
    config = specs[target].deployment_spec["executors"]
    kinds = {kind for label in config for kind in config[label]}
    assert kinds == {"container"}, "an importer that is started twice breaks the next driver"


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_run_parameters_have_defaults_and_descriptions(specs, target):
    inputs = specs[target].root.input_definitions.parameters
    assert set(inputs) == set(ABOUT)
    assert inputs["max_mae"].default_value.number_value == 8.0
    assert inputs["epochs"].default_value.number_value == 10
    assert inputs["data_path"].default_value.string_value.endswith("/appa_real")
    for name, parameter in inputs.items():
        assert parameter.description == ABOUT[name].description
        assert parameter.is_optional


def test_a_pipeline_without_a_data_folder_asks_for_it():
    spec = next(yaml.safe_load_all(compiler.compile_kubeflow(settings_of("data.path=null"))))
    assert "defaultValue" not in spec["root"]["inputDefinitions"]["parameters"]["data_path"]


@pytest.mark.parametrize(
    ("component", "parameters"),
    [
        ("Trainer", {"epochs", "learning_rate"}),
        ("Evaluator", {"max_mae", "min_test_photos", "champion_tolerance"}),
        ("PhotoExampleGen", {"data_path", "batches", "data_fingerprint"}),
        ("Champion", {"registry_uri"}),
        ("RegistryPusher", {"registry_uri", "run_id"}),
    ],
)
def test_a_run_parameter_reaches_the_component_that_needs_it(specs, component, parameters):
    inputs = specs["kubeflow"].root.dag.tasks[component].inputs.parameters
    assert parameters <= {each.component_input_parameter for each in inputs.values()}


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_only_the_trainer_has_gpus(containers, target):
    kind = {"kubeflow": "nvidia.com/gpu", "vertex": "NVIDIA_TESLA_T4"}[target]
    for name in COMPONENTS:
        container = containers[target, name]
        accelerator = container.resources.accelerator
        if name == "Trainer":
            assert (accelerator.type, accelerator.count) == (kind, 2)
            assert container.image.endswith("-gpu")
        else:
            assert not container.resources.HasField("accelerator"), name
            assert not container.image.endswith("-gpu"), name


def test_only_the_trainer_runs_on_gpu_nodes(platform):
    for name, config in platform.items():
        selector = dict(config.node_selector.labels)
        tolerated = [toleration.key for toleration in config.tolerations]
        if name == "Trainer":
            assert selector == {"cloud.google.com/gke-accelerator": "nvidia-tesla-t4"}
            assert tolerated == ["nvidia.com/gpu"]
        else:
            assert (selector, tolerated) == ({}, []), name


def test_the_evaluator_gets_gpus_if_the_settings_say_so():
    overrides = (*ON_VERTEX, "gate.gpu.type=NVIDIA_L4", "trainer.gpu=null")
    job = json.loads(compiler.compile_vertex(settings_of(*overrides)))
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    asking = {
        label
        for label, executor in executors.items()
        if "accelerator" in executor.get("container", {}).get("resources", {})
    }
    assert asking == {"Evaluator_executor"}


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_every_component_requests_cores_and_memory(containers, target):
    for name in COMPONENTS:
        resources = containers[target, name].resources
        assert resources.cpu_request == resources.cpu_limit > 0
        assert resources.memory_request == resources.memory_limit > 0
    trainer = containers[target, "Trainer"].resources
    assert (trainer.resource_cpu_limit, trainer.resource_memory_limit) == ("8", "30Gi")
    assert trainer.memory_limit == pytest.approx(30 * 2**30 / 1e9)


def test_secrets_come_from_kubernetes_and_are_written_nowhere(platform, kubeflow):
    for config in platform.values():
        [secret] = config.secret_as_env
        assert secret.secret_name == "object-store"
        assert {each.env_var for each in secret.key_to_env} == {
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        }
        [volume] = config.secret_as_volume
        assert (volume.secret_name, volume.mount_path) == ("person-key", "/secrets/person-key")
        [pull] = config.image_pull_secret
        assert pull.secret_name == "registry-login"
        assert config.image_pull_policy == "IfNotPresent"
        assert config.active_deadline_seconds == 6 * 3600


def test_a_pod_only_sets_run_as_non_root_if_the_settings_do():
    """Kubeflow Pipelines 2.15 refuses the field; later releases merge it into the pod."""
    for overrides, expected in (
        ((), None),
        (("cluster.run_as_non_root=true",), {"runAsNonRoot": True}),
    ):
        _, document = yaml.safe_load_all(compiler.compile_kubeflow(settings_of(*overrides)))
        executors = document["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        assert len(executors) == len(COMPONENTS)
        assert [each.get("securityContext") for each in executors.values()] == [expected] * len(
            executors
        )


def test_the_environment_reaches_every_container(containers):
    for container in containers.values():
        assert {each.name: each.value for each in container.env}["AWS_REGION"] == "us-east-1"


def test_on_kubeflow_the_container_repeats_itself_and_one_lost_pod_is_replaced(specs, containers):
    """More in the policy would multiply the tries before Kubeflow Pipelines 2.17."""
    for name in COMPONENTS:
        assert "--max_retries=2" in containers["kubeflow", name].args
        policy = specs["kubeflow"].root.dag.tasks[name].retry_policy
        assert policy.max_retry_count == 1
        assert policy.backoff_duration.seconds == 30
        assert policy.backoff_max_duration.seconds == 2 * (6 + 1) * 3600, "for both pods"


def test_on_vertex_the_service_repeats(specs, containers):
    for name in COMPONENTS:
        assert not any("max_retries" in word for word in containers["vertex", name].args)
        policy = specs["vertex"].root.dag.tasks[name].retry_policy
        assert policy.max_retry_count == 2
        assert policy.backoff_max_duration.seconds == 3600, "its cap"


def test_nothing_is_repeated_unless_it_is_requested():
    for document in (
        compiler.compile_kubeflow(settings_of("cluster.max_retries=0")),
        compiler.compile_vertex(settings_of(*ON_VERTEX, "cluster.max_retries=0")),
    ):
        assert "retryPolicy" not in document
        assert "--max_retries" not in document


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_components_that_read_external_data_are_never_cached(specs, target):
    tasks = specs[target].root.dag.tasks
    uncached = {name for name in COMPONENTS if not tasks[name].caching_options.enable_cache}
    assert uncached == {"PhotoExampleGen", "Champion"}


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_beam_gets_the_cores_of_its_component(containers, target):
    cores = {"PhotoExampleGen": 4, "StatisticsGen": 2, "Evaluator": 4}
    for name in COMPONENTS:
        container = containers[target, name]
        assert list(container.command) == list(compiler.ENTRYPOINT)
        beam = [argument for argument in container.args if argument.startswith("--direct_num")]
        assert beam == ([f"--direct_num_workers={cores[name]}"] if name in cores else []), name


def test_pages_and_metrics_have_the_types_that_the_ui_shows(specs):
    outputs = specs["kubeflow"].components["RunReport"].output_definitions.artifacts
    titles = {name: output.artifact_type.schema_title for name, output in outputs.items()}
    assert titles == {"report": "system.HTML", "eda": "system.HTML", "metrics": "system.Metrics"}


@pytest.mark.parametrize(
    ("override", "target", "sentence"),
    [
        ("cluster.image=''", "kubeflow", "cluster.image: is not set; set it to the image"),
        (
            "registry.uri=null",
            "kubeflow",
            "registry.uri: is not set; set it to a model registry outside",
        ),
        ("data.path=photos", "kubeflow", "is on this machine"),
        ("cluster.pipeline_root=s3://b/r", "vertex", "Vertex AI only stores artifacts on gs://"),
        ("trainer.gpu.type=NVIDIA_RTX", "vertex", "Trainer: Vertex AI has no GPU NVIDIA_RTX"),
        (
            "trainer.gpu.count=3",
            "vertex",
            "Trainer: a Vertex AI machine has 1, 2 or 4 NVIDIA_TESLA_T4",
        ),
        ("cluster.resources.Trainer.cpu=64", "vertex", "has at most 32 cores and 208 GiB, not 64"),
    ],
)
def test_invalid_options_are_refused_at_once(override, target, sentence):
    overrides = [*(ON_VERTEX if target == "vertex" else ()), override]
    arguments = [argument for each in overrides for argument in ("--set", each)]
    customer_age = Path(sys.executable).parent / "customer-age"
    ended = subprocess.run(
        [
            customer_age,
            "compile",
            "--target",
            target,
            "--config",
            HERE / "cluster.yaml",
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_an_output_that_cannot_be_written_is_reported_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "pipeline.yaml"
    ended = subprocess.run(
        [
            Path(sys.executable).parent / "customer-age", "compile", "--target", "kubeflow",
            "--config", HERE / "cluster.yaml", "--output", output,
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert f"customer-age: --output {output}: cannot be written" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_secrets_of_kubernetes_are_refused_on_vertex():
    with pytest.raises(Exception, match="Vertex AI has no Kubernetes Secrets"):
        compiler.compile_vertex(settings_of(*ON_VERTEX[:2]))


def test_a_root_with_options_caches_nothing():
    root = "s3://ages/runs?endpoint=http://store:9000&use_path_style=true&region=us-east-1"
    compiled = compiler.compile_kubeflow(settings_of(f"cluster.pipeline_root={root}"))
    tasks = next(yaml.safe_load_all(compiled))["root"]["dag"]["tasks"]
    assert not any(task.get("cachingOptions", {}).get("enableCache") for task in tasks.values())
