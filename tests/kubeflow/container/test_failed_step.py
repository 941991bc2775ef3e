import pytest

from customer_age.errors import DataRefused, ModelRefused, RunError, SettingsError
from customer_age.kubeflow.container.failed_step import Failure, Repeat, component_name, failure_of

GATE = "customer_age.components.data_gate.DataGate_Executor"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (GATE, "DataGate"),
        ("customer_age.components.canary.component.Canary_Executor", "Canary"),
        ("customer_age.components.registry_pusher.executor.Executor", "RegistryPusher"),
        ("customer_age.components.photo_example_gen.executor.Executor", "PhotoExampleGen"),
        ("customer_age.components.trainer.component.Executor", "Trainer"),
        ("customer_age.components.evaluator.component.Executor", "Evaluator"),
        ("tfx.components.statistics_gen.executor.Executor", "StatisticsGen"),
        ("Executor", "Executor"),
    ],
)
def test_a_component_has_its_name_from_the_graph(path, name):
    assert component_name(path) == name


@pytest.mark.parametrize(
    ("error", "line", "exit_code"),
    [
        (DataRefused("too dark\ntoo few"), "DataGate refused the data: too dark; too few", 4),
        (ModelRefused("MAE 9"), "DataGate refused the model: MAE 9", 3),
        (SettingsError("no x"), "DataGate cannot work with these settings: no x", 2),
        (RunError("lost"), "DataGate failed: lost", 1),
        (
            ValueError("bad\nvalue"),
            "DataGate failed: ValueError: bad value (details: the log above)",
            1,
        ),
        (
            OSError(28, "No space left on device"),
            "DataGate: no space left on the disk; give the container more (ephemeral storage). "
            "Incomplete files are never used",
            1,
        ),
    ],
)
def test_a_failed_step_ends_with_one_line_and_the_code_of_its_error(error, line, exit_code):
    failure = failure_of(error, GATE, {})
    assert (failure.line, failure.exit_code) == (f"customer-age: {line}", exit_code)


def test_our_own_error_is_found_inside_a_librarys_error():
    try:
        try:
            raise DataRefused("no photo in split test")
        except DataRefused as cause:
            raise RuntimeError("while running 'Map'") from cause
    except RuntimeError as error:
        assert failure_of(error, GATE, {}).exit_code == 4


def test_the_line_contains_uris_and_no_secret():
    error = RunError("/minio/b/data/labels.csv: see https://ada:pa55w0rd@mlflow.example.org")
    failure = failure_of(error, GATE, {"/minio/b/data": "minio://b/data"})
    assert failure.line == (
        "customer-age: DataGate failed: minio://b/data/labels.csv: "
        "see https://hidden@mlflow.example.org"
    )


def _raised(error, cause=None):
    """An error that was raised from another."""
    try:
        raise error from cause
    except type(error) as raised:
        return raised


@pytest.mark.parametrize(
    ("error", "repeat"),
    [
        (DataRefused("too dark"), Repeat.NEVER),
        (ModelRefused("MAE 9"), Repeat.NEVER),
        (_raised(SettingsError("no bucket"), OSError("404")), Repeat.NEVER),
        (ImportError("no module mlflow"), Repeat.NEVER),
        (ModuleNotFoundError("no module mlflow"), Repeat.NEVER),
        (TypeError("[while running 'Decode']"), Repeat.NEVER),
        (RunError("training diverged"), Repeat.UNLESS_SAME),
        (ValueError("bad value"), Repeat.UNLESS_SAME),
        (MemoryError(), Repeat.UNLESS_SAME),
        (FileNotFoundError(2, "no such file"), Repeat.UNLESS_SAME),
        (_raised(RunError("the model registry failed"), ValueError("503")), Repeat.ALWAYS),
        (_raised(RuntimeError("beam"), _raised(RunError("x"), ValueError("503"))), Repeat.ALWAYS),
        (ConnectionResetError("by peer"), Repeat.ALWAYS),
        (_raised(RuntimeError("while reading"), TimeoutError()), Repeat.ALWAYS),
        (OSError(28, "No space left on device"), Repeat.ALWAYS),
    ],
)
def test_only_failures_that_may_succeed_later_are_retried(error, repeat):
    assert failure_of(error, GATE, {}).repeat is repeat


def test_a_try_reports_its_failure_to_the_process_that_repeats(tmp_path):
    assert Failure.read(tmp_path) is None
    failure = Failure("customer-age: Trainer failed: \u00fc", 1, Repeat.ALWAYS)
    failure.write(tmp_path)
    assert Failure.read(tmp_path) == failure
    (tmp_path / "failure.json").write_text('{"line": "customer-a')
    assert Failure.read(tmp_path) is None, "killed while it wrote"
