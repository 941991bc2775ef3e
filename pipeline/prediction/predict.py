"""`customer-age predict`: the photos, the version, and the rows on the standard output."""

import io
import os
import sys
import warnings
from collections import Counter
from dataclasses import dataclass

import click

from customer_age.model_registry import MAE, ModelVersion
from customer_age.schema.age_groups import AgeGroups

from ..graph.beam_options import beam_args
from ..running import log
from ..settings.settings import Settings
from . import model_version, photo_sources, prediction_rows
from .age_model import AgeModel
from .predictor import Predictor


@dataclass(frozen=True)
class PredictRequest:
    """What the command line says besides the settings.

    Attributes:
        photos: arguments for `photo_sources.find`.
        version: None for the champion.
        groups: to sort the ages into.
        file_format: one of `prediction_rows.FORMATS`, None for what suits the standard output.
    """

    photos: tuple[str, ...]
    version: str | None
    groups: AgeGroups
    file_format: str | None


def run(settings: Settings, request: PredictRequest) -> int:
    """Answer for the photos.

    Returns:
        The exit code: 0, or 1 if there is a photo without an age.

    Raises:
        SettingsError: there are no such photos.
        RunError: there is no such version, or the registry or the model fails.
    """
    sources = photo_sources.find(request.photos, beam_args(settings))
    # Its words about graphics cards would stand between the rows; what fails, it raises.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    log.quiet_libraries()
    warnings.filterwarnings("ignore", module="PIL")  # of photos whose rows say what is wrong
    version, folder = model_version.fetch_while_importing(settings, request.version)
    predictor = Predictor(
        AgeModel(folder), model_version.photo_spec(version, settings), request.groups
    )
    file_format = request.file_format or ("table" if sys.stdout.isatty() else "csv")
    if file_format == "table":
        click.echo(_title(settings.registry.model_name, version), err=True)
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as `score` writes them, whatever the locale
    write = prediction_rows.writer(file_format, sys.stdout, version.version, request.groups)
    photos = refused = 0
    left_out: Counter[str] = Counter()
    face_crops = model_version.face_crops(version, settings)
    for rows in predictor.predict(photo_sources.files(sources, face_crops, left_out)):
        write(rows)
        photos += len(rows)
        refused += sum(row.age is None for row in rows)
    if refused:
        click.echo(f"{refused:,} of {photos:,} photos have no age; their rows say why", err=True)
    if left_out:
        click.echo(photo_sources.left_out_line(left_out), err=True)
    return 1 if refused else 0


def _title(name: str, version: ModelVersion) -> str:
    error = f", mean error {version.metrics[MAE]:.1f} years" if MAE in version.metrics else ""
    return f"{name}, version {version.version}{error}"
