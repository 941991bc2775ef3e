import inspect
import logging

from tfx.orchestration.local import local_dag_runner

from customer_age.pipeline.running import run_progress


def _record(message, *args, filename="local_dag_runner.py"):
    return logging.LogRecord("absl", logging.INFO, filename, 1, message, args, None)


def test_the_runner_still_logs_these_messages():
    source = inspect.getsource(local_dag_runner)
    assert f"logging.info('{run_progress._STARTED}', node_id)" in source
    assert f"logging.info('{run_progress._ENDED}', node_id)" in source
    assert local_dag_runner.__file__.endswith(run_progress._RUNNER_FILE)


def test_nodes_are_reported_when_they_start_and_end():
    seen = []
    events = run_progress.NodeEvents()
    events.on_start = seen.append
    events.on_end = lambda node_id, seconds: seen.append((node_id, seconds >= 0))
    events.handle(_record("Component %s is running.", "Trainer"))
    assert events.running == "Trainer"
    events.handle(_record("Component %s is finished.", "Trainer"))
    assert events.running is None
    assert seen == ["Trainer", ("Trainer", True)]


def test_the_same_message_of_another_module_is_not_an_event():
    events = run_progress.NodeEvents()
    events.handle(_record("Component %s is running.", "Trainer", filename="launcher.py"))
    assert events.running is None
