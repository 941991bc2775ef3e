"""The command `customer-age`."""

import sys
from pathlib import Path

import click

from customer_age.components.errors import RunError
from customer_age.pipeline import settings as settings_files

_EXIT_CODES = """
Exit codes: 0 published, 1 failed, 2 wrong settings or usage, 3 the gate refused the model,
4 the data were refused.
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="customer-age")
def cli() -> None:
    """Learn a person's age from photos, prove that it is good enough, and publish the model.

    The ages are for understanding purchases and for offers by age group. They are not fit to
    decide the sale of age-restricted goods.
    """


@cli.command(epilog=_EXIT_CODES, short_help="Photos in, a published model out.")
@click.option("--data", metavar="DIR", help="Folder with a label table and its photos.")
@click.option("--weights", metavar="WEIGHTS", help="imagenet, champion, none, or a weights file.")
@click.option("--work-dir", metavar="DIR", help="Where everything the run makes is kept.")
@click.option(
    "--config",
    default="local",
    show_default=True,
    metavar="NAME|FILE",
    help=f"Settings to start from: {', '.join(settings_files.config_names())}, or a YAML file.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one setting, as in --set trainer.epochs=3; may be repeated.",
)
def run(
    data: str | None,
    weights: str | None,
    work_dir: str | None,
    config: str,
    overrides: tuple[str, ...],
) -> None:
    """Run the whole pipeline on this machine: photos in, a published model out.

    What has not changed since the last run in the same work folder is not done again.
    """
    from customer_age.pipeline import local

    settings = settings_files.load(
        config, overrides, data__path=data, trainer__weights=weights, work_dir=work_dir
    )
    ending = local.run(settings)
    click.echo(ending.sentence, err=ending.exit_code != 0)
    click.echo(
        f"report: {ending.report or 'none could be written; see the log: ' + str(ending.log)}"
    )
    sys.exit(ending.exit_code)


@cli.command("demo-data", short_help="Draw faces to try it with.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--photos", default=2000, show_default=True, type=click.IntRange(1))
@click.option("--size", default=96, show_default=True, type=click.IntRange(32), help="Pixels.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
def demo_data(folder: Path, photos: int, size: int, seed: int) -> None:
    """Draw small faces whose looks depend on age, and their label table, into FOLDER.

    The same options draw the same pictures; a folder that has them already is left alone.
    """
    from customer_age.pipeline.demo_faces import write_demo_faces

    write_demo_faces(folder, count=photos, size=size, seed=seed)
    click.echo(f"{photos:,} drawn faces in {folder}")


def main() -> None:
    """Run the command; a mistake is one line on standard error, never a traceback."""
    try:
        cli()
    except RunError as error:
        for line in str(error).splitlines():
            click.echo(f"customer-age: {line}", err=True)
        sys.exit(error.exit_code)
