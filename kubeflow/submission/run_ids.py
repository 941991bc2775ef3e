"""Run ids and names: what makes a run the same run, however often it is submitted."""

import hashlib
import re
import secrets

from customer_age.errors import SettingsError
from customer_age.pipeline.graph.cache_keys import RunKey
from customer_age.pipeline.settings.settings import Settings

_RUN_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
"""What Kubernetes and Vertex AI take as names."""

_LONGEST_NAME = 128
"""Characters of a display name that Vertex AI keeps; Kubeflow keeps more, with the id behind."""

_NAME_LENGTH = 50
"""What a derived id keeps of the pipeline's name."""


def check(run_id: str) -> str:
    """The run id, if both services take it.

    Raises:
        SettingsError: they do not.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise SettingsError(
            f"--run-id {run_id}: takes at most 63 of a-z, 0-9 and -, and a letter comes first"
        )
    return run_id


def check_name(run_name: str) -> None:
    """See that both services show a run's name as it is.

    Raises:
        SettingsError: they do not.
    """
    if len(run_name) > _LONGEST_NAME or not run_name.isprintable():
        raise SettingsError(
            f"--run-name: takes at most {_LONGEST_NAME} characters, none of them a control "
            f"character; {len(run_name)} are given"
        )


def derived(settings: Settings, key: RunKey) -> str:
    """The id of the run of these settings, data and code.

    Args:
        settings: of the pipeline; those of the cluster count too, as they say in which image our
            code runs.
        key: of the run.

    Returns:
        The same id for the same run; where the data are unknown, another id each time, as nobody
        can tell whether it would be the same run.
    """
    if key.data:
        text = key.digest() + settings.cluster.model_dump_json()
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    else:
        digest = secrets.token_hex(6)
    # A pipeline's name may start with a digit, a run id may not.
    name = settings.name if settings.name[0].isalpha() else f"run-{settings.name}"
    return f"{name[:_NAME_LENGTH].rstrip('-')}-{digest}"
