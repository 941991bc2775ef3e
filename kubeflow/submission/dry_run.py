"""A readable description of what a submission would send."""

import json
from collections.abc import Iterator, Mapping

from ..compiling import stores
from . import specifications
from .plan import Plan
from .runs import Submission


def lines(plan: Plan, endpoint: Mapping[str, str], submission: Submission) -> Iterator[str]:
    """Describe a submission, without the environment of its containers.

    Args:
        plan: of the run.
        endpoint: where the run would start, as label to value.
        submission: what would be sent.
    """
    content = submission.specification
    pipeline = specifications.pipeline(content)
    about = {
        **endpoint,
        "run": f"{plan.run_name} ({plan.run_id})" if plan.run_name else plan.run_id,
        "specification": f"{len(json.dumps(content)) / 1000:.0f} kB as JSON, schema "
        f"{pipeline['schemaVersion']}, {len(specifications.tasks(content))} tasks",
        "image": plan.settings.cluster.image,
        "store": stores.how_opened(plan.settings.cluster.pipeline_root),
        "cache": caching(plan),
    }
    width = max(map(len, about)) + 2
    yield from (f"{label:{width}}{value}" for label, value in about.items() if value)
    yield "parameters"
    width = max(map(len, submission.parameters)) + 2
    for name, value in submission.parameters.items():
        yield f"  {name:{width}}{value if value != '' else '(empty)'}"


def caching(plan: Plan) -> str:
    """Describe in a few words whether tasks reuse cached results."""
    if not stores.keeps_cache(plan.settings.cluster.pipeline_root):
        return (
            "off: the pipeline root has options, so the artifacts of another run cannot be opened"
        )
    if not plan.cache:
        return "off"
    if plan.data_unknown:
        return f"on, but PhotoExampleGen reads the data again ({plan.data_unknown})"
    return "on, also for PhotoExampleGen: the data's fingerprint is a parameter"
