"""Run ids and names. A run that is submitted again with the same id stays the same run."""

import hashlib
import re
import secrets

from customer_age.errors import SettingsError
from customer_age.pipeline.graph.cache_keys import RunKey
from customer_age.pipeline.settings.settings import Settings

_RUN_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
"""The names that both Kubernetes and Vertex AI accept."""

_LONGEST_NAME = 128
"""Characters of a display name that Vertex AI keeps; Kubeflow keeps more, and appends the id."""

_NAME_LENGTH = 50
"""Characters of the pipeline's name that a derived id keeps."""


def check(run_id: str) -> str:
    """Return the run id if both services accept it.

    Raises:
        SettingsError: one of them does not.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise SettingsError(
            f"--run-id {run_id}: must be at most 63 of a-z, 0-9 and -, and start with a letter"
        )
    return run_id


def check_name(run_name: str) -> None:
    """Check that both services show a run's name unchanged.

    Raises:
        SettingsError: one of them does not.
    """
    if len(run_name) > _LONGEST_NAME or not run_name.isprintable():
        raise SettingsError(
            f"--run-name: must have at most {_LONGEST_NAME} characters, and no control character; "
            f"it has {len(run_name)}"
        )


def derived(settings: Settings, key: RunKey) -> str:
    """Derive the id of the run of these settings, data and code.

    Args:
        settings: of the pipeline; the cluster's settings count because they name the image that
            our code runs in.
        key: of the run.

    Returns:
        The same id for the same run. If the data are unknown, a different id each time, because
        nothing shows whether it would be the same run.
    """
    if key.data:
        text = key.digest() + settings.cluster.model_dump_json()
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    else:
        digest = secrets.token_hex(6)
    # A pipeline's name may start with a digit, but a run id must not.
    name = settings.name if settings.name[0].isalpha() else f"run-{settings.name}"
    return f"{name[:_NAME_LENGTH].rstrip('-')}-{digest}"
