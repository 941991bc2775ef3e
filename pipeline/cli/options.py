"""What several verbs take: where the settings come from, and who answers with what bands."""

from collections.abc import Callable

import click

from ..settings.loading import config_names

_WORK_DIR = click.option("--work-dir", metavar="DIR", help="Where everything a run makes is kept.")
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
        help="Change one setting, as in --set trainer.epochs=3; may be repeated.",
    ),
)


def settings(command: Callable) -> Callable:
    """Give a command the options `work_dir`, `config` and `overrides`, for `settings.load`."""
    return _WORK_DIR(config(command))


def config(command: Callable) -> Callable:
    """Give a command the options `config` and `overrides`, for what keeps nothing here."""
    for option in reversed(_CONFIG):
        command = option(command)
    return command


def prediction(command: Callable) -> Callable:
    """Give a command the options `version` and `groups`, each None where it is not given."""
    command = click.option(
        "--groups",
        metavar="BANDS",
        help="Age groups, any that cover every age, as in 0-17,18-34,35-54,55+. By default those "
        "of the setting gate.age_groups.",
    )(command)
    return click.option(
        "--version", metavar="VERSION", help="A version's number. By default the champion."
    )(command)
