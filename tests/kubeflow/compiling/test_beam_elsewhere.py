"""Beam's options in the settings are what the executors of a compiled pipeline run with."""

import json
from pathlib import Path

import pytest
import yaml
from apache_beam.options import pipeline_options
from tfx.components.statistics_gen.executor import Executor
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

from customer_age.components import beam_runners
from customer_age.kubeflow.compiling import compiler, containers
from customer_age.pipeline.settings import loading

IMAGE = "--sdk_container_image=registry.example.com/customer-age:1"
DATAFLOW = [
    "--runner=DataflowRunner",
    "--project=shop",
    "--region=europe-west4",
    "--temp_location=gs://bucket/temp",
    "--experiments=one",
    "--experiments=two",
]
FLINK = [
    "--runner=PortableRunner",
    "--job_endpoint=flink-jobs:8099",
    "--environment_type=EXTERNAL",
    "--environment_config=localhost:50000",
]
OURS = {"--runner=PortableRunner": f"--runner={beam_runners.PORTABLE}"}
ELSEWHERE = (
    "cluster.image=registry.example.com/customer-age:1",
    "cluster.pipeline_root=gs://bucket/root",
    "cluster.in_place=['gs://']",
    "cluster.secret_environment=[]",
    "cluster.secret_files=[]",
    "data.path=gs://bucket/photos",
)


def compiled(target: str, beam_args: list[str]) -> dict[str, list[str]]:
    """Component to its container's arguments."""
    file = str(Path(__file__).parents[1] / "cluster.yaml")
    settings = loading.load(file, (*ELSEWHERE, f"beam.args={beam_args!r}"))
    if target == "kubeflow":
        spec = next(yaml.safe_load_all(compiler.compile_kubeflow(settings)))
    else:
        spec = json.loads(compiler.compile_vertex(settings))["pipelineSpec"]
    executors = spec["deploymentSpec"]["executors"]
    return {
        name: executors[component["executorLabel"]]["container"]["args"]
        for name, component in spec["components"].items()
        if "container" in executors[component["executorLabel"]]
    }


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
@pytest.mark.parametrize("beam_args", [DATAFLOW, FLINK], ids=["dataflow", "flink"])
def test_only_the_beam_components_get_beam_options(target, beam_args):
    for component, args in compiled(target, beam_args).items():
        if component in containers.ON_BEAM:
            expected = [*(OURS.get(arg, arg) for arg in beam_args), IMAGE]
            assert args[-len(expected) :] == expected, component
            assert not [arg for arg in args if arg.startswith("--direct_")], component
        else:
            assert not set(args) & set(beam_args), component


def test_tfx_passes_them_to_the_executor_unchanged(monkeypatch):
    """By TFX's own parser of the container's arguments, and its own executor's start."""
    args = compiled("kubeflow", DATAFLOW)["StatisticsGen"]
    # Our entry point's own options are not TFX's.
    args = [arg for arg in args if not arg.startswith(("--in_place=", "--max_retries="))]
    _, beam_args = kubeflow_v2_run_executor._parse_flags(args)
    assert beam_args == [*DATAFLOW, IMAGE]
    monkeypatch.setattr("sys.argv", ["entrypoint", *args])
    executor = Executor(Executor.Context(beam_pipeline_args=beam_args))
    options = pipeline_options.PipelineOptions(executor._beam_pipeline_args)
    cloud = options.view_as(pipeline_options.GoogleCloudOptions)
    assert (cloud.project, cloud.region) == ("shop", "europe-west4")
    assert options.view_as(pipeline_options.DebugOptions).experiments == ["one", "two"]
    setup = options.view_as(pipeline_options.SetupOptions)
    assert not setup.extra_packages, "TFX packs no sources: the image has them"
