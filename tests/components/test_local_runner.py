import pytest

from customer_age.components import local_runner

ARGS = local_runner.options(2, [])
PROCESSES = "--direct_running_mode=multi_processing"


def test_small_data_go_in_by_threads_and_large_by_processes():
    assert local_runner.sized(ARGS, local_runner.LARGE - 1) == ARGS
    assert local_runner.sized(ARGS, local_runner.LARGE) == [*ARGS, PROCESSES]


@pytest.mark.parametrize("said", ["--runner=FlinkRunner", "--direct_running_mode=in_memory"])
def test_what_was_said_stands(said):
    args = local_runner.options(2, [said])
    assert [arg for arg in args if arg.startswith(said.split("=")[0])] == [said]
    assert local_runner.sized(args, 10**7) == args
