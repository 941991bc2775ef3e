"""The command of every container, on Kubeflow Pipelines and on Vertex AI Pipelines.

It runs one of the pipeline's executors, as TFX's own entry point does, on the files that the back
end has provided (`launcher_paths`). It converts the back end's input to the form that TFX expects
(`executor_input`), and TFX's output to the form that the back end expects (`executor_output`).

Its exit codes are those of `customer_age/errors.py`. If it fails, the last line of the log is the
reason. Kubeflow shows only that line: its launcher, and so the pod, always ends with 1. On
Kubeflow, the container itself repeats what may succeed on another try (`tries`). SIGTERM, the
signal that ends containers, ends the process at once: the file that makes the outputs valid is
written last.
"""

import argparse
import functools
import importlib
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from customer_age.components.beam_elsewhere import job_server
from customer_age.errors import SettingsError
from customer_age.pipeline.running import interruption

from .failed_step import Failure, component_name, failure_of, interrupted_line
from .launcher_paths import LauncherPaths
from .tries import OPTION, Tries

if TYPE_CHECKING:
    from .executor_input import Invocation

ROOT = "CUSTOMER_AGE_LAUNCHER_ROOT"
"""Environment variable: the parent of the launcher's folders `gcs`, `s3` and `minio`, if it is not
`/`."""


def main() -> NoReturn:
    """Run the executor that the command line names, and end the process at once."""
    arguments = sys.argv[1:]
    # Beam and absl read sys.argv by default, and it contains all of our options.
    del sys.argv[1:]
    end_process(run(arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one executor.

    Args:
        arguments: of the command line.

    Returns:
        The exit code. If it is not 0, the last line on stderr is the reason.

    Raises:
        SystemExit: the command line is not valid.
    """
    options, beam_args = _parser().parse_known_args(arguments)
    if options.max_retries and not options.try_folder:
        return Tries(
            [sys.executable, "-m", f"{__package__}.entrypoint", *arguments],
            component_name(options.executor_class_path),
            options.max_retries + 1,
            options.backoff_seconds,
        ).run()
    if options.try_folder:  # on a signal, the parent process prints the line
        failure = _failure(options, beam_args)
        if failure is not None:
            failure.write(Path(options.try_folder))
    else:
        component = component_name(options.executor_class_path)
        with interruption.at_once(functools.partial(interrupted_line, component)):
            failure = _failure(options, beam_args)
        if failure is not None:
            print(failure.line, file=sys.stderr, flush=True)
    return failure.exit_code if failure is not None else 0


def _failure(options: argparse.Namespace, beam_args: list[str]) -> Failure | None:
    """Run the executor once; if it fails, log the traceback and return the failure."""
    invocation: Invocation | None = None
    try:
        paths = LauncherPaths.of(os.environ.get(ROOT, "/"), options.in_place)
        _log_to_stderr()
        job_server.require(beam_args)
        from . import executor_input

        invocation = executor_input.invocation(
            options.json_serialized_invocation_args,
            options.json_serialized_inputs_spec_args,
            paths,
        )
        _require_executor(options.executor_class_path)
        executor_input.prepare_folders(invocation.message)
        _execute(options, beam_args, invocation)
        return None
    except (Exception, SystemExit) as error:
        originals = invocation.originals if invocation else {}
        failure = failure_of(error, options.executor_class_path, originals)
        _log_traceback()
        return failure


def end_process(exit_code: int) -> NoReturn:
    """End the process without the interpreter's own cleanup.

    There, C++ destructors of ML Metadata and protobuf have crashed ("pure virtual method called")
    after all outputs were written, which turned a success into a failure.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


def _require_executor(path: str) -> None:
    """Check that the image has the executor that the pipeline names.

    Raises:
        SettingsError: the pipeline was compiled by another version of this package.
    """
    module, _, name = path.rpartition(".")
    try:
        found = hasattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        # Only if the module itself or one of its packages is missing, not a library.
        if not f"{module}.".startswith(f"{error.name}."):
            raise
        found = False
    if not found:
        raise SettingsError(
            f"this image has no {path}: the pipeline was compiled by another version of "
            "customer-age; compile it again with the version of the image"
        )


def _execute(options: argparse.Namespace, beam_args: list[str], invocation: "Invocation") -> None:
    """Let TFX run the executor, and write its output for the back end."""
    from . import kept_training

    component = component_name(options.executor_class_path)
    with kept_training.kept(component, invocation.message, invocation.originals):
        output = _run_executor(options, beam_args, invocation)
        _write_output(output, invocation)


def _run_executor(
    options: argparse.Namespace, beam_args: list[str], invocation: "Invocation"
) -> str:
    """Let TFX run the executor; return its output in the back end's form."""
    from google.protobuf import json_format
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    from . import executor_output

    with tempfile.TemporaryDirectory() as scratch:
        # TFX uses the name of the file's folder as the task's name, and takes an existing file for
        # a driver's output: a killed attempt may have left its own file.
        task = Path(invocation.output_file).parent.name
        output_file = Path(scratch) / task / "executor_output.json"
        invocation.message.outputs.output_file = str(output_file)
        options.json_serialized_invocation_args = json_format.MessageToJson(invocation.message)
        kubeflow_v2_run_executor._run_executor(options, beam_args)
        return executor_output.converted(output_file.read_text(encoding="utf-8"), invocation)


def _write_output(output: str, invocation: "Invocation") -> None:
    from customer_age.files.store import write_whole

    from .folder_markers import remove_folder_markers

    for uri in _written_in_place(invocation):
        remove_folder_markers(uri)
    write_whole(invocation.output_file, output.encode())


def _written_in_place(invocation: "Invocation") -> list[str]:
    return [
        one.uri
        for several in invocation.message.outputs.artifacts.values()
        for one in several.artifacts
        if one.uri.startswith("gs://")
    ]


def _log_to_stderr() -> None:
    """Make absl, TFX's logging library, log with time and level, as its own `app.run` does."""
    from absl import flags, logging

    flags.FLAGS(sys.argv[:1])
    logging.use_absl_handler()
    logging.set_verbosity(logging.INFO)


def _log_traceback() -> None:
    from absl import logging

    logging.exception("The executor failed.")
    logging.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m customer_age.kubeflow.container.entrypoint",
        description="Runs one component of the pipeline in a container of Kubeflow or Vertex. "
        "Further options are Beam's.",
        allow_abbrev=False,  # an abbreviation may be one of Beam's options
    )
    parser.add_argument("--executor_class_path", required=True, help="module.Class of an executor")
    parser.add_argument(
        "--json_serialized_invocation_args", required=True, help="an ExecutorInput as JSON"
    )
    parser.add_argument(
        "--json_serialized_inputs_spec_args",
        required=True,  # without it, TFX would find no parameters
        help="the component's ComponentInputsSpec as JSON",
    )
    parser.add_argument(
        "--in_place",
        default="",
        metavar="gs://[,...]",
        help="prefixes of the URIs of artifacts that are read and written in place, without the "
        "launcher's copies",
    )
    parser.add_argument(
        "--max_retries",
        type=int,
        default=0,
        metavar="N",
        help="how often this container repeats a failure that may succeed on another try "
        "(Kubeflow itself repeats seldom or never; on Vertex, leave it at 0)",
    )
    parser.add_argument(
        "--backoff_seconds",
        type=float,
        default=30,
        metavar="S",
        help="seconds before the second try; doubled for each later try, up to ten minutes",
    )
    parser.add_argument(
        OPTION, metavar="FOLDER", help="set for each try: folder for the reason of its failure"
    )
    return parser


if __name__ == "__main__":
    main()
