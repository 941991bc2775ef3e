"""`--target`, and the options that each target adds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import click
from click.core import ParameterSource

from ..retraining.run_target import RunTarget
from ..settings.settings import Settings

Check = Callable[[Settings], object]
"""Raises `SettingsError` if a run with these settings cannot start."""


class RunTargetPlugin(Protocol):
    """A service that runs the pipeline.

    Attributes:
        options: its command-line options; two targets may share an option.
    """

    options: Sequence[click.Option]

    def open(self, settings: Settings, values: Mapping[str, Any]) -> tuple[RunTarget, Check]:
        """Return the target, and a check of settings for it, without a request to the service.

        Args:
            settings: the pipeline's settings.
            values: option name to value, for the options of every target.

        Raises:
            SettingsError: a value is missing or is not valid.
        """


class TargetCommand(click.Command):
    """A command with `--target` and the options of every target.

    Args:
        targets: returns the targets by name; called when the command runs, not when it is defined.
        local: accept `local`, and use it by default; otherwise `--target` is required.
    """

    def __init__(
        self,
        *args: Any,
        targets: Callable[[], Mapping[str, RunTargetPlugin]],
        local: bool = False,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self._targets = targets
        self._local = local

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the command's own parameters, with the targets' options before `--help`."""
        targets = self._targets()
        options = {option.name: option for target in targets.values() for option in target.options}
        *own, last = super().get_params(ctx)
        return [*own, self._target_option(list(targets)), *options.values(), last]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, but refuse options that belong only to another target."""
        targets = self._targets()
        chosen = ctx.params["target"]
        valid = {option.name for option in targets[chosen].options} if chosen in targets else set()
        for name, target in targets.items():
            for option in target.options:
                on_command_line = (
                    ctx.get_parameter_source(option.name or "") == ParameterSource.COMMANDLINE
                )
                if option.name not in valid and on_command_line:
                    raise click.UsageError(f"{option.opts[0]} is for --target {name}", ctx)
        return super().invoke(ctx)

    def _target_option(self, names: Sequence[str]) -> click.Option:
        if self._local:
            return click.Option(
                ["--target"],
                type=click.Choice(["local", *names]),
                default="local",
                show_default=True,
                metavar="TARGET",
                help=f"Where runs execute: local, {' or '.join(names)}.",
            )
        return click.Option(["--target"], type=click.Choice(list(names)), required=True)
