"""What a submission would send, for a person to read."""

import json
from collections.abc import Iterator, Mapping

from ..compiling import stores
from . import specifications
from .plan import Plan
from .runs import Submission


def lines(plan: Plan, endpoint: Mapping[str, str], submission: Submission) -> Iterator[str]:
    """Describe a submission; the environment of its containers stays out of it.

    Args:
        plan: of the run.
        endpoint: what is known of where it would run, label to value.
        submission: that would be sent.
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
    """Whether tasks take what they did before, in a few words."""
    if not stores.keeps_cache(plan.settings.cluster.pipeline_root):
        return "off: with options in the pipeline root, artifacts of another run cannot be opened"
    if not plan.cache:
        return "off"
    if plan.data_unknown:
        return f"on, but PhotoExampleGen looks at the data anew ({plan.data_unknown})"
    return "on, PhotoExampleGen's too: the data's fingerprint is a parameter"
