"""`customer-age demo-data`."""

from pathlib import Path

import click


@click.command("demo-data", short_help="Draw faces to try it with.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--photos", default=2000, show_default=True, type=click.IntRange(1))
@click.option("--size", default=96, show_default=True, type=click.IntRange(32), help="Pixels.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
def demo_data(folder: Path, photos: int, size: int, seed: int) -> None:
    """Draw small faces whose looks depend on age, and their label table, into FOLDER.

    The same options draw the same pictures; a folder that has them already is left alone.
    """
    from ..demo_faces import write_demo_faces

    write_demo_faces(folder, count=photos, size=size, seed=seed)
    click.echo(f"{photos:,} drawn faces in {folder}")
