"""Run ids: what makes a run the same run, however often it is submitted."""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping

from customer_age.components.errors import SettingsError
from customer_age.pipeline.run_key import RunKey

_RUN_ID = re.compile(r"[a-z][a-z0-9-]{0,126}[a-z0-9]")
"""What Vertex AI takes as the id of a PipelineJob; Kubeflow takes any text."""


def check(run_id: str) -> str:
    """The run id, if both services take it.

    Raises:
        SettingsError: they do not.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise SettingsError(
            f"--run-id {run_id}: takes 2 to 128 of a-z, 0-9 and -, a letter first and no - last"
        )
    return run_id


def derived(pipeline_name: str, key: RunKey, parameters: Mapping[str, str | int | float]) -> str:
    """The id of the run of these settings, code, data and parameters.

    Args:
        pipeline_name: of the settings.
        key: of the run.
        parameters: given by the user besides the settings.

    Returns:
        The same id for the same run; where the data are unknown, another id each time, as nobody
        can tell whether it would be the same run.
    """
    given = json.dumps([key.digest(), dict(parameters)], sort_keys=True)
    digest = hashlib.sha256(given.encode()).hexdigest()[:12] if key.data else secrets.token_hex(6)
    # A pipeline's name may start with a digit, a run id may not.
    name = pipeline_name if pipeline_name[0].isalpha() else f"run-{pipeline_name}"
    return check(f"{name[:100].rstrip('-')}-{digest}")
