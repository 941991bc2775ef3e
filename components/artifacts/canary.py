"""`canary.json` in an InfraBlessing artifact: whether the model is fit to serve."""

from pydantic import BaseModel

from customer_age.files.store import exists

from . import json_file

FILE = "canary.json"


class CanaryCheck(BaseModel):
    """One thing that the Canary measured; `measured` must be at most `limit`."""

    measured: int | float
    limit: int | float
    passed: bool


class Canary(BaseModel):
    """What the Canary found.

    Attributes:
        passed: whether the model is fit to serve.
        refusals: why it is not fit, one sentence each.
        checks: by name; those that could not be measured are not there.
    """

    passed: bool
    refusals: list[str]
    checks: dict[str, CanaryCheck]


def read_canary(infra_blessing_uri: str) -> Canary | None:
    """Read what the Canary found, or None where an InfraBlessing artifact is not the Canary's.

    Raises:
        ValueError: the file is damaged, in one line.
    """
    try:
        return json_file.read(infra_blessing_uri, FILE, Canary)
    except FileNotFoundError:
        return None


def is_blessed(blessing_uri: str) -> bool | None:
    """Tell what a ModelBlessing artifact says, or None where it says nothing."""
    if exists(f"{blessing_uri}/BLESSED"):
        return True
    return False if exists(f"{blessing_uri}/NOT_BLESSED") else None
