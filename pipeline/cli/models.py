"""`customer-age models`: show the published versions, and choose the champion."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

import click

from ..settings import loading
from . import options

if TYPE_CHECKING:
    from customer_age.model_registry import ModelRegistry


def _of_registry(command: Callable) -> Callable:
    """Pass the registry that the settings name to a command, instead of the settings."""

    @wraps(command)
    def opened(
        work_dir: str | None, config: str, overrides: tuple[str, ...], **arguments: str
    ) -> None:
        from customer_age.model_registry import open_registry

        settings = loading.load(config, overrides, work_dir=work_dir)
        command(open_registry(settings.registry_uri, settings.registry.model_name), **arguments)

    return options.settings(opened)


@click.group(short_help="List, show, compare and promote published versions.")
def models() -> None:
    """Show the versions in the model registry, and choose the champion.

    VERSION is a version's number or `champion`. The setting registry.uri names the registry; by
    default it is MLflow on SQLite under --work-dir.
    """


@models.command("list", short_help="List all versions, newest first.")
@_of_registry
def list_versions(registry: "ModelRegistry") -> None:
    """List all versions, newest first."""
    from . import model_tables

    model_tables.print_list(registry.versions())


@models.command(short_help="Show a version's lineage, settings and metrics.")
@click.argument("version")
@_of_registry
def show(registry: "ModelRegistry", version: str) -> None:
    """Show the lineage, settings and metrics of VERSION."""
    from . import model_tables

    model_tables.print_version(registry.version(version))


@models.command(short_help="Compare the errors of two versions.")
@click.argument("version")
@click.argument("other")
@_of_registry
def compare(registry: "ModelRegistry", version: str, other: str) -> None:
    """Show the errors of VERSION and OTHER side by side."""
    from . import model_tables

    model_tables.print_comparison(registry.version(version), registry.version(other))


@models.command(short_help="Make a version the champion.")
@click.argument("version")
@click.option(
    "--force",
    metavar="REASON",
    default="",
    help="Promote a version that was never blessed, and record the reason.",
)
@_of_registry
def promote(registry: "ModelRegistry", version: str, force: str) -> None:
    """Make VERSION the champion; `rollback` undoes it."""
    promoted = registry.promote(registry.version(version).version, force)
    click.echo(f"version {promoted.version} is the champion")


@models.command(short_help="Make the former champion the champion again.")
@_of_registry
def rollback(registry: "ModelRegistry") -> None:
    """Make the former champion the champion again; the version that it replaces stays listed."""
    former = registry.rollback()
    click.echo(f"version {former.version} is the champion again")
