"""The whole command `customer-age`: the verbs of one machine, and those that know of clusters."""

from customer_age.pipeline.cli.cli import cli, main
from customer_age.pipeline.cli.retrain import retrain

from .cli.compile import compile_pipeline
from .cli.submit import submit

for command in (compile_pipeline, retrain, submit):
    cli.add_command(command)

__all__ = ["main"]
