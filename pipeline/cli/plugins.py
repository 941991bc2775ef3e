"""Verbs and targets that other packages add to the command line, by entry points."""

import importlib.metadata
from typing import Any

import click

from .target_options import RunTargetPlugin

_DISTRIBUTION = "customer-age"
_COMMANDS = "customer_age.commands"
_TARGETS = "customer_age.targets"


def commands() -> dict[str, click.Command]:
    """Return each verb's command."""
    return _load(_COMMANDS)


def targets() -> dict[str, RunTargetPlugin]:
    """Return the target for each value of `--target`."""
    return _load(_TARGETS)


def _load(group: str) -> dict[str, Any]:
    found = importlib.metadata.distribution(_DISTRIBUTION).entry_points.select(group=group)
    return {entry_point.name: entry_point.load() for entry_point in found}
