"""The options that several verbs share: settings, model version and age groups."""

from collections.abc import Callable

import click

from ..settings.loading import config_names

_WORK_DIR = click.option("--work-dir", metavar="DIR", help="Folder for everything a run writes.")
_CONFIG = (
    click.option(
        "--config",
        default="local",
        show_default=True,
        metavar="NAME|FILE",
        help=f"Settings to start from: {', '.join(config_names())}, or a YAML file.",
    ),
    click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change one setting, for example --set trainer.epochs=3; repeatable.",
    ),
)


def settings(command: Callable) -> Callable:
    """Add the options `work_dir`, `config` and `overrides`, for `settings.load`, to a command."""
    return _WORK_DIR(config(command))


def config(command: Callable) -> Callable:
    """Add the options `config` and `overrides` to a command that needs no work folder."""
    for option in reversed(_CONFIG):
        command = option(command)
    return command


def prediction(command: Callable) -> Callable:
    """Add the options `version` and `groups`, each None by default, to a command."""
    command = click.option(
        "--groups",
        metavar="BANDS",
        help="Age groups that together cover every age, for example 0-17,18-34,35-54,55+. "
        "[default: the setting gate.age_groups]",
    )(command)
    return click.option(
        "--version", metavar="VERSION", help="Number of a model version.  [default: the champion]"
    )(command)
