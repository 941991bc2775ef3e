"""Verbs and targets that other rooms add to the command line, by entry points of this package."""

import importlib.metadata
from typing import Any

import click

from .target_options import RunTargetPlugin

_DISTRIBUTION = "customer-age"
_COMMANDS = "customer_age.commands"
_TARGETS = "customer_age.targets"


def commands() -> dict[str, click.Command]:
    """Verb to command."""
    return _load(_COMMANDS)


def targets() -> dict[str, RunTargetPlugin]:
    """The value of `--target` to what it stands for."""
    return _load(_TARGETS)


def _load(group: str) -> dict[str, Any]:
    found = importlib.metadata.distribution(_DISTRIBUTION).entry_points.select(group=group)
    return {entry_point.name: entry_point.load() for entry_point in found}
