import pytest

from customer_age.components import beam_runners

ARGS = beam_runners.options(2, [])
PROCESSES = "--direct_running_mode=multi_processing"
DATAFLOW = ("--runner=DataflowRunner", "--project=p")


def test_small_data_use_threads_and_large_data_use_processes():
    assert beam_runners.sized(ARGS, beam_runners.LARGE - 1) == ARGS
    assert beam_runners.sized(ARGS, beam_runners.LARGE) == [*ARGS, PROCESSES]


@pytest.mark.parametrize("option", ["--runner=FlinkRunner", "--direct_running_mode=in_memory"])
def test_set_options_are_kept(option):
    args = beam_runners.options(2, [option])
    assert [arg for arg in args if arg.startswith(option.split("=")[0])] == [option]
    assert beam_runners.sized(args, 10**7) == args


@pytest.mark.parametrize(
    "named",
    ["DataflowRunner", "dataflow", "FlinkRunner", "SparkRunner",
     "apache_beam.runners.dataflow.dataflow_runner.DataflowRunner", "own.module.OwnRunner"],
)  # fmt: skip
def test_remote_workers_get_no_options_of_this_machine(named):
    given = [f"--runner={named}", "--temp_location=gs://b/t"]
    assert beam_runners.options(8, given) == given


@pytest.mark.parametrize(
    "named",
    ["PortableRunner", "portable", "apache_beam.runners.portability.portable_runner.PortableRunner",
     beam_runners.PORTABLE],
)  # fmt: skip
def test_our_runner_replaces_beams_portable_runner(named):
    from apache_beam.runners.runner import create_runner

    from customer_age.components.beam_elsewhere.portable_runner import PortableRunner

    given = [f"--runner={named}", "--job_endpoint=jobs:8099"]
    assert beam_runners.options(8, given) == [f"--runner={beam_runners.PORTABLE}", given[1]]
    assert isinstance(create_runner(beam_runners.PORTABLE), PortableRunner)
    assert beam_runners.runner([f"--runner={beam_runners.PORTABLE}"]) == "portable"


@pytest.mark.parametrize(
    "named", ["DirectRunner", "direct", "SwitchingDirectRunner", "FnApiRunner", beam_runners.RUNNER]
)
def test_a_named_local_runner_is_the_default_runner(named):
    args = beam_runners.options(2, [f"--runner={named}"])
    assert args == [*ARGS[1:], f"--runner={named}"]


def test_remote_workers_get_the_image_with_this_code_unless_another_is_set():
    assert beam_runners.options(2, DATAFLOW, "r/i:1")[-1] == "--sdk_container_image=r/i:1"
    named = (*DATAFLOW, "--sdk_container_image=r/other:2")
    assert beam_runners.options(2, named, "r/i:1") == list(named)
    assert beam_runners.options(2, [], "r/i:1") == ARGS, "this machine needs no image"


def test_the_last_of_an_option_counts():
    assert beam_runners.value(["--a=1", "--b=2", "--a=x=3"], "--a") == "x=3"
    assert beam_runners.value(["--ab=1"], "--a") is None
