"""Runs one retraining run on this machine, as a process: `python -m ... RUN_ID SETTINGS_FILE`.

The process ends with the run's exit code and records it in a file. If nothing could be started, for
example with wrong settings or while another run holds the work folder, it records nothing and
prints the reason.
"""

import sys

from customer_age.errors import Interrupted, ModelRefused, RunError

from ..running import ending, interruption, local
from ..settings import loading
from ..settings.settings import Settings
from .local_target import RunFiles


def main(run_id: str, config: str) -> int:
    """Run the pipeline, unless another process is running or has completed this run.

    Args:
        run_id: the run's id.
        config: path of the run's settings file.

    Returns:
        An exit code.
    """
    settings = loading.load(config)
    files = RunFiles(settings.work_dir, run_id)
    with files.held(patience=2) as alone:
        if not alone:
            print(f"run {run_id} is already running")
            return 0
        earlier = files.outcome()
        if earlier is not None:
            return int(earlier["exit_code"])
        outcome = local.run(settings, run_id)
        if isinstance(outcome.error, Interrupted):  # the next check resumes the run
            print(outcome.sentence, flush=True)
            return outcome.exit_code
        exit_code, sentence = outcome.exit_code, outcome.sentence
        print(sentence)
        print(f"report: {outcome.report or 'could not be written; see the log'}", flush=True)
        if exit_code not in (0, ModelRefused.exit_code) and _published(settings, run_id):
            # It failed after it published a model that was trained on its batches.
            exit_code, sentence = 0, f"Published; then: {sentence}"
        files.write_outcome(exit_code, sentence)
        return exit_code


def _published(settings: Settings, run_id: str) -> bool:
    from customer_age.model_registry import open_registry

    registry = open_registry(settings.registry_uri, settings.registry.model_name)
    return any(version.came_from(run_id) for version in registry.versions())


if __name__ == "__main__":
    try:
        with interruption.as_exceptions():
            ended = main(*sys.argv[1:])
        ending.end(ended)
    except KeyboardInterrupt as error:  # before the run began
        stopped = interruption.interrupted(error)
        print(f"customer-age: {stopped}", file=sys.stderr)
        ending.end(stopped.exit_code)
    except RunError as error:
        print(f"customer-age: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
