"""`customer-age models`: look at what is published, and say which version is used."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

import click

from ..settings import loading
from . import options

if TYPE_CHECKING:
    from customer_age.model_registry import ModelRegistry


def _of_registry(command: Callable) -> Callable:
    """Give a command the registry that the settings name, in place of the settings."""

    @wraps(command)
    def opened(
        work_dir: str | None, config: str, overrides: tuple[str, ...], **arguments: str
    ) -> None:
        from customer_age.model_registry import open_registry

        settings = loading.load(config, overrides, work_dir=work_dir)
        command(open_registry(settings.registry_uri, settings.registry.model_name), **arguments)

    return options.settings(opened)


@click.group(short_help="List, show, compare and promote what is published.")
def models() -> None:
    """Look at the versions in the model registry, and say which one is the champion.

    VERSION is a version's number, or `champion`. The registry is the one in the settings:
    registry.uri, or else MLflow on SQLite under --work-dir.
    """


@models.command("list", short_help="Every version, the newest first.")
@_of_registry
def list_versions(registry: "ModelRegistry") -> None:
    """List every version, the newest first."""
    from . import model_tables

    model_tables.print_list(registry.versions())


@models.command(short_help="All that a version tells of itself.")
@click.argument("version")
@_of_registry
def show(registry: "ModelRegistry", version: str) -> None:
    """Show where VERSION comes from and how it measured."""
    from . import model_tables

    model_tables.print_version(registry.version(version))


@models.command(short_help="Two versions side by side.")
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
    help="Promote a version that was never blessed; the reason is recorded with it.",
)
@_of_registry
def promote(registry: "ModelRegistry", version: str, force: str) -> None:
    """Make VERSION the champion; `rollback` goes back."""
    promoted = registry.promote(registry.version(version).version, force)
    click.echo(f"version {promoted.version} is the champion")


@models.command(short_help="Make the former champion the champion again.")
@_of_registry
def rollback(registry: "ModelRegistry") -> None:
    """Make the former champion the champion again; a version that was rolled back stays listed."""
    former = registry.rollback()
    click.echo(f"version {former.version} is the champion again")
