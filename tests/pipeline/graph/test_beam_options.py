"""Dataflow and Flink: missing options are reported in one line before anything starts."""

import subprocess
import sys

import pytest
from apache_beam.options.pipeline_options import StandardOptions

from customer_age.components import beam_runners
from customer_age.errors import SettingsError
from customer_age.pipeline.graph import beam_options
from customer_age.pipeline.prediction import score
from customer_age.pipeline.prediction.model_version import groups
from customer_age.pipeline.running import local, preflight
from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.beam import BeamSettings

DATAFLOW = (
    "--runner=DataflowRunner",
    "--project=shop",
    "--region=europe-west4",
    "--temp_location=gs://bucket/temp",
)
IMAGE = "--sdk_container_image=registry/customer-age:1"


def load(*args, more=(), **arguments):
    return loading.load("local", (f"beam.args={list(args)!r}", *more), **arguments)


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (DATAFLOW[:1], "--runner=DataflowRunner also needs --project, --region, --temp_location"),
        ((*DATAFLOW[:3], "--temp_location="), "--runner=DataflowRunner also needs --temp_location"),
        ((*DATAFLOW[:3], "--temp_location=s3://b/t"), "--temp_location=s3://b/t: Dataflow needs"),
        ((*DATAFLOW, "--staging_location=/tmp"), "--staging_location=/tmp: Dataflow needs a gs://"),
        ((*DATAFLOW, "--sdk_container_image=none"), "Dataflow's workers need the image"),
        (("--runner=dataflow",), "--runner=dataflow also needs --project"),
        (("--runner=FlinkRunner",), "--runner=FlinkRunner also needs --flink_master"),
        (("--runner=PortableRunner",), "--runner=PortableRunner also needs --job_endpoint"),
        (
            ("--runner=PortableRunner", "--job_endpoint=h:1", "--environment_type=EXTERNAL"),
            "--environment_type=EXTERNAL needs --environment_config=HOST:PORT",
        ),
        (("--runner", "DataflowRunner"), "'DataflowRunner' is not a valid option; write each"),
        (("--runner",), "--runner has no value"),
        (("runner=DataflowRunner",), "'runner=DataflowRunner' is not a valid option"),
        (("--max_silent_seconds=1h",), "--max_silent_seconds=1h: is not a valid number of seconds"),
        (("--max_silent_seconds=0",), "--max_silent_seconds=0: is not a valid number of seconds"),
    ],
)
def test_missing_options_of_a_runner_are_reported_in_one_line(args, line):
    with pytest.raises(SettingsError) as raised:
        load(*args)
    [message] = str(raised.value).splitlines()
    assert message.startswith("--set beam.args: ")
    assert line in message


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (
            "--direct_num_workers=two",
            "beam.args: Beam does not accept them: argument --direct_num_workers: invalid int "
            "value: 'two'",
        ),
        (
            "--runner=Foo",
            "beam.args: --runner=Foo: is not a runner of Beam; write DirectRunner, DataflowRunner, "
            "FlinkRunner, SparkRunner, PortableRunner, or module.Class of another one",
        ),
    ],
)
def test_options_that_beam_refuses_are_reported_before_anything_starts(tmp_path, wrong, line):
    """Beam itself prints its usage and ends the process, in the middle of a run."""
    settings = load(wrong, "--unknown=1")
    for start in (
        lambda: local.run(settings.model_copy(update={"work_dir": str(tmp_path / "work")})),
        lambda: preflight.check(settings),  # a retraining on this machine starts with this check
        lambda: score.run(
            settings, score.ScoreRequest(("a",), "b", None, False, None, groups(settings, None))
        ),
    ):
        with pytest.raises(SettingsError) as raised:
            start()
        assert str(raised.value) == line
    assert not list(tmp_path.iterdir())
    beam_options.require_options(load("--direct_num_workers=2", "--unknown=1"))


def test_every_runner_of_beam_is_accepted():
    runners = [*StandardOptions.KNOWN_RUNNER_NAMES, "direct", "nobodys.FastestRunner"]
    assert {"DirectRunner", "FlinkRunner"} < set(runners)
    for runner in runners:
        # Some need options that are missing here, such as a project.
        beam = BeamSettings.model_construct(args=(f"--runner={runner}",))
        beam_options.require_options(load().model_copy(update={"beam": beam}))


@pytest.mark.parametrize(
    "args",
    [
        (*DATAFLOW, IMAGE),
        (*DATAFLOW, IMAGE, "--no_use_public_ips", "--experiments=a", "--experiments=b"),
        ("--runner=FlinkRunner", "--flink_master=flink:8081"),
    ],
)
def test_the_options_of_a_remote_runner_are_passed_on_unchanged(args):
    assert beam_options.beam_args(load(*args)) == list(args)


def test_our_runner_connects_to_a_job_server():
    more = (
        "--job_endpoint=jobs:8099",
        "--environment_type=EXTERNAL",
        "--environment_config=localhost:50000",
        "--max_silent_seconds=600",
    )
    settings = load("--runner=PortableRunner", *more)
    assert beam_options.beam_args(settings) == [f"--runner={beam_runners.PORTABLE}", *more]


def test_the_workers_image_is_the_cluster_s():
    settings = load(*DATAFLOW, more=("cluster.image=registry/customer-age:1",))
    assert beam_options.beam_args(settings) == [*DATAFLOW, IMAGE]
    with pytest.raises(
        SettingsError, match=r"needs a container image with this code .* cluster\.image"
    ):
        load(*DATAFLOW)


@pytest.mark.parametrize("root", ["minio://bucket/runs", "gs://bucket/runs"])
def test_on_a_cluster_remote_workers_find_artifacts_only_in_place(root):
    flink = ("--runner=FlinkRunner", "--flink_master=flink:8081")
    with pytest.raises(SettingsError, match=r"FlinkRunner can only open the artifacts if"):
        load(*flink, more=(f"cluster.pipeline_root={root}",))
    load(*flink, more=("cluster.pipeline_root=gs://b/r", "cluster.in_place=['gs://']"))
    load(more=(f"cluster.pipeline_root={root}",))


def test_without_a_runner_threads_of_this_machine_do_the_work():
    settings = loading.load("local", ("beam.workers=3", "beam.args=[--s3_verify=False]"))
    args = beam_options.beam_args(settings)
    assert args[1:] == [
        "--direct_num_workers=3", "--sdk_container_image=none", "--s3_verify=False",
    ]  # fmt: skip


def test_beam_accepts_what_the_settings_accept():
    """Beam's own parser finds the values under these names."""
    from apache_beam.options.pipeline_options import (
        FlinkRunnerOptions,
        GoogleCloudOptions,
        PipelineOptions,
        PortableOptions,
        WorkerOptions,
    )

    options = PipelineOptions([*DATAFLOW, "--sdk_container_image=r/i:1"])
    cloud = options.view_as(GoogleCloudOptions)
    assert (cloud.project, cloud.region) == ("shop", "europe-west4")
    assert cloud.temp_location == "gs://bucket/temp"
    assert options.view_as(WorkerOptions).sdk_container_image == "r/i:1"
    options = PipelineOptions(
        ["--flink_master=f:1", "--job_endpoint=j:2", "--environment_type=EXTERNAL",
         "--environment_config=p:3"]
    )  # fmt: skip
    assert options.view_as(FlinkRunnerOptions).flink_master == "f:1"
    portable = options.view_as(PortableOptions)
    assert portable.job_endpoint == "j:2"
    assert (portable.environment_type, portable.environment_config) == ("EXTERNAL", "p:3")


def test_a_run_on_this_machine_is_not_sent_to_workers_that_cannot_reach_it(tmp_path):
    settings = load(
        *DATAFLOW, IMAGE, work_dir=str(tmp_path / "work"), data__path="gs://bucket/photos"
    )
    with pytest.raises(SettingsError, match=r"^work_dir: Dataflow's workers cannot reach /"):
        local.run(settings)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("registry", "data", "output", "line"),
    [
        (None, "gs://b/photos", "gs://b/ages", "registry.uri: Dataflow's workers cannot reach"),
        ("mlflow+https://host", "photos", "gs://b/ages", "DATA photos: Dataflow's workers"),
        ("mlflow+https://host", "gs://b/photos", "ages", "--output: Dataflow's workers cannot"),
    ],
)
def test_remote_scoring_reads_and_writes_remotely(tmp_path, registry, data, output, line):
    settings = load(*DATAFLOW, IMAGE, work_dir=str(tmp_path), registry__uri=registry)
    request = score.ScoreRequest((data,), output, None, False, None, groups(settings, None))
    with pytest.raises(SettingsError) as raised:
        score.run(settings, request)
    assert line in str(raised.value)


def test_errors_are_reported_without_importing_beam():
    code = (
        "import sys\n"
        "from customer_age.pipeline.graph import beam_options\n"
        "from customer_age.pipeline.settings import loading\n"
        "assert not {'apache_beam', 'tensorflow', 'tfx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
