"""`--target`, and the options that each target brings with it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import click
from click.core import ParameterSource

from ..retraining.run_target import RunTarget
from ..settings.settings import Settings

Check = Callable[[Settings], object]
"""Raises `SettingsError` where a run with such settings cannot start."""


class RunTargetPlugin(Protocol):
    """A service that runs the pipeline.

    Attributes:
        options: what it takes on the command line; two targets may share an option.
    """

    options: Sequence[click.Option]

    def open(self, settings: Settings, values: Mapping[str, Any]) -> tuple[RunTarget, Check]:
        """Open the target, and what checks settings for it; nothing is asked yet.

        Args:
            settings: of the pipeline.
            values: option name to value, of every target's options.

        Raises:
            SettingsError: a value is missing, or is not valid.
        """


class TargetCommand(click.Command):
    """A command with `--target`, and with the options of every target.

    Args:
        targets: gives them by name; called when the command is used, not when it is defined.
        local: also takes `local`, and takes that by default; else `--target` is required.
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
        """The command's own parameters, with the targets' before the last of them, `--help`."""
        targets = self._targets()
        options = {option.name: option for target in targets.values() for option in target.options}
        *own, last = super().get_params(ctx)
        return [*own, self._target_option(list(targets)), *options.values(), last]

    def invoke(self, ctx: click.Context) -> Any:
        """Refuse options of another target than the chosen one, and run the command."""
        targets = self._targets()
        chosen = ctx.params["target"]
        taken = {option.name for option in targets[chosen].options} if chosen in targets else set()
        for name, target in targets.items():
            for option in target.options:
                on_command_line = (
                    ctx.get_parameter_source(option.name or "") == ParameterSource.COMMANDLINE
                )
                if option.name not in taken and on_command_line:
                    raise click.UsageError(f"{option.opts[0]} is for --target {name}", ctx)
        return super().invoke(ctx)

    def _target_option(self, names: Sequence[str]) -> click.Option:
        if self._local:
            return click.Option(
                ["--target"],
                type=click.Choice(["local", *names]),
                default="local",
                show_default=True,
                help="Where runs run.",
            )
        return click.Option(["--target"], type=click.Choice(list(names)), required=True)
