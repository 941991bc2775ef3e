"""The command `customer-age`."""

import os
import sys
from typing import Any, NoReturn

import click

from customer_age.errors import Interrupted, RunError, SettingsError, full_disk

from ..running import ending, failures, home_folder, interruption
from . import output_encoding, plugins
from .check_data import check_data
from .demo_data import demo_data
from .doctor import doctor
from .forget import forget
from .models import models
from .predict import predict
from .retrain import retrain
from .run import run
from .score import score
from .serve import serve
from .tune import tune
from .weights import weights


class _Verbs(click.Group):
    """The verbs of this package, and those that other packages add by entry points."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*self.commands, *plugins.commands()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:  # click itself would print "Aborted!" and exit with 1
            interruption.leave_to_main_thread()
            raise interruption.interrupted(error) from error
        except Exception as error:
            if isinstance(error, RunError) or (full := full_disk(error)) is None:
                raise
            raise RunError(failures.no_space(full, "free some, then run this again")) from error

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or plugins.commands().get(cmd_name)


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="customer-age")
def cli() -> None:
    """Train a model that predicts a person's age from a photo, test it, and publish it.

    The ages help to understand purchases and to make offers by age group. Do not use them to
    decide whether to sell age-restricted goods.
    """


_VERBS = (
    run, tune, check_data, demo_data, models, predict, score, serve, retrain, forget, doctor,
    weights,
)  # fmt: skip
for command in _VERBS:
    cli.add_command(command)


def main() -> None:
    """Run the command; report an error as one line on standard error, without a traceback."""
    output_encoding.keep_to_encoding()
    home_folder.name_missing()
    try:
        with interruption.as_exceptions():
            cli()
    except RunError as error:
        _end(error)
    except FileNotFoundError as error:
        if not home_folder.is_without_temporary(error):
            raise
        _end(SettingsError("no folder for temporary files is writable; set TMPDIR to one that is"))


def _end(error: RunError) -> NoReturn:
    for line in str(error).splitlines():
        click.echo(f"customer-age: {line}", err=True)
    if isinstance(error, Interrupted):
        ending.end(error.exit_code)
    _give_up_output()
    sys.exit(error.exit_code)


def _give_up_output() -> None:
    """Drop output that cannot be written (full disk): Python would otherwise exit with 120."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
