"""One retraining run on this machine, as a process: `python -m ... RUN_ID SETTINGS_FILE`.

It ends with the run's exit code, and leaves a record of it. Where nothing could be started, as with
wrong settings or while another run holds the work folder, it leaves none, and says why.
"""

import sys

from customer_age.errors import Interrupted, ModelRefused, RunError

from ..running import ending, interruption, local
from ..settings import loading
from ..settings.settings import Settings
from .local_target import RunFiles


def main(run_id: str, config: str) -> int:
    """Run, unless another process does or has.

    Args:
        run_id: of the run.
        config: the file of its settings.

    Returns:
        An exit code.
    """
    settings = loading.load(config)
    files = RunFiles(settings.work_dir, run_id)
    with files.held(patience=2) as alone:
        if not alone:
            print(f"run {run_id} is running already")
            return 0
        earlier = files.outcome()
        if earlier is not None:
            return int(earlier["exit_code"])
        outcome = local.run(settings, run_id)
        if isinstance(outcome.error, Interrupted):  # it has not ended: the next look resumes it
            print(outcome.sentence, flush=True)
            return outcome.exit_code
        exit_code, sentence = outcome.exit_code, outcome.sentence
        print(sentence)
        print(f"report: {outcome.report or 'none could be written; see the log'}", flush=True)
        if exit_code not in (0, ModelRefused.exit_code) and _published(settings, run_id):
            # It failed after that: its batches are learnt all the same.
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
