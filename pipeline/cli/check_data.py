"""`customer-age check-data`."""

import json

import click

from customer_age.errors import DataRefused

from ..settings import loading
from . import options

_EXIT_CODES = """
Exit codes, the same as a run's: 0 a run would accept the data, 1 failed, 2 wrong settings or usage,
or the data cannot be read, 4 a run would refuse the data.
"""


@click.command(
    "check-data",
    epilog=_EXIT_CODES,
    short_help="Check a label table as a run would, in seconds.",
)
@click.argument("data", metavar="DIR")
@click.option("--inbox", metavar="DIR", help="Folder of batches; DIR may be one of them.")
@click.option(
    "--photos",
    "open_photos",
    is_flag=True,
    help="Also open each photo, to find broken and duplicate ones; slower.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@options.settings
def check_data(
    data: str,
    inbox: str | None,
    open_photos: bool,
    as_json: bool,
    work_dir: str | None,
    config: str,
    overrides: tuple[str, ...],
) -> None:
    """Read a data set as a run would, and report what it contains.

    DIR is a folder with a label table and photos, or the URI of one in an object store. The report
    shows the layout; each table's format, columns and rows; ages, people and splits; and each
    reason for refused rows, with the first of them. Nothing is trained or written.
    """
    settings = loading.load(
        config, overrides, data__path=data, data__inbox=inbox, work_dir=work_dir
    )
    from ..data_check.check import check

    report = check(settings, open_photos)
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        from .data_tables import print_report

        print_report(report)
    if report.stops:
        raise DataRefused("\n".join(report.stops))
