"""The command `customer-age`."""

import sys

import click

from customer_age.errors import RunError

from .demo_data import demo_data
from .doctor import doctor
from .forget import forget
from .models import models
from .predict import predict
from .run import run
from .score import score


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="customer-age")
def cli() -> None:
    """Learn a person's age from photos, prove that it is good enough, and publish the model.

    The ages are for understanding purchases and for offers by age group. They are not fit to
    decide the sale of age-restricted goods.
    """


for command in (run, demo_data, models, predict, score, forget, doctor):
    cli.add_command(command)


def main() -> None:
    """Run the command; a mistake is one line on standard error, never a traceback."""
    try:
        cli()
    except RunError as error:
        for line in str(error).splitlines():
            click.echo(f"customer-age: {line}", err=True)
        sys.exit(error.exit_code)
