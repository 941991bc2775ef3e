"""The whole command `customer-age`: the verbs of one machine, and those that know of clusters."""

from customer_age.kubeflow.commands.compile import compile_pipeline
from customer_age.kubeflow.commands.retrain import retrain
from customer_age.kubeflow.commands.submit import submit
from customer_age.pipeline.cli import cli, main

for command in (compile_pipeline, retrain, submit):
    cli.add_command(command)

__all__ = ["main"]
