"""`canary.json` in an InfraBlessing artifact: whether a model is fit to serve."""

from pydantic import BaseModel

from customer_age.files.store import exists

from . import json_file

FILE = "canary.json"


class CanaryCheck(BaseModel):
    """One check of the Canary; `measured` must be at most `limit`."""

    measured: int | float
    limit: int | float
    passed: bool


class Canary(BaseModel):
    """The result of the Canary.

    Attributes:
        passed: whether the model is fit to serve.
        refusals: why it is not fit, one sentence each.
        checks: by name, without the checks that could not be measured.
    """

    passed: bool
    refusals: list[str]
    checks: dict[str, CanaryCheck]


def read_canary(infra_blessing_uri: str) -> Canary | None:
    """Read the Canary's result; None if the InfraBlessing artifact is not from the Canary.

    Raises:
        ValueError: the file is damaged, in one line.
    """
    try:
        return json_file.read(infra_blessing_uri, FILE, Canary)
    except FileNotFoundError:
        return None


def is_blessed(blessing_uri: str) -> bool | None:
    """Return whether a ModelBlessing artifact blesses its model; None if it has no result."""
    if exists(f"{blessing_uri}/BLESSED"):
        return True
    return False if exists(f"{blessing_uri}/NOT_BLESSED") else None
