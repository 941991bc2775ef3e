"""`customer-age demo-data`."""

from pathlib import Path

import click


@click.command("demo-data", short_help="Draw faces to try the pipeline with.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--photos",
    default=2000,
    show_default=True,
    type=click.IntRange(1),
    metavar="N",
    help="Number of photos.",
)
@click.option(
    "--size",
    default=96,
    show_default=True,
    type=click.IntRange(32),
    metavar="PIXELS",
    help="Width and height of each photo.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    metavar="N",
    help="Random seed.",
)
def demo_data(folder: Path, photos: int, size: int, seed: int) -> None:
    """Draw small faces that look their age, and write them with a label table to FOLDER.

    The same options draw the same photos. A folder that already contains them is not changed.
    """
    from ..demo_faces import write_demo_faces

    write_demo_faces(folder, count=photos, size=size, seed=seed)
    click.echo(f"{photos:,} drawn faces in {folder}")
