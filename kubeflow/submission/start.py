"""Turn a plan into a run: find the run that exists, or compile and start a new one."""

import os

from customer_age.pipeline.running import log

from ..compiling.target_support import Target
from . import specifications
from .plan import Plan
from .runs import Runs, Submission, SubmittedRun


def start(plan: Plan, target: Target, runs: Runs) -> tuple[SubmittedRun, bool]:
    """Start a run, unless one with its id was started before.

    Returns:
        The run, and whether this call started it.

    Raises:
        SettingsError: the pipeline cannot be compiled.
        RunError: the service cannot be reached, or refuses.
    """
    there = runs.find(plan.run_id)
    if there is not None:
        return there, False
    return runs.create(compiled(plan, target)), True


def compiled(plan: Plan, target: Target) -> Submission:
    """Compile the pipeline of a plan.

    Raises:
        SettingsError: it cannot be compiled.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # nothing is computed here
    log.quiet_libraries()
    with log.kept_to_log_level():
        from ..compiling import compiler

    if target == "kubeflow":
        content = specifications.of_kubeflow(compiler.compile_kubeflow(plan.settings))
    else:
        content = specifications.of_vertex(compiler.compile_vertex(plan.settings))
    specifications.set_caching(content, plan.cache, data_known=not plan.data_unknown)
    return Submission(plan.run_id, plan.run_name, content, plan.parameters)
