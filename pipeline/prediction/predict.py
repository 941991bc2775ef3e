"""Runs `customer-age predict`: finds the photos and the version, and prints the rows."""

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
    """The arguments of the command line, without the settings.

    Attributes:
        photos: arguments for `photo_sources.find`.
        version: the version's name; None for the champion.
        groups: the age groups of the predictions.
        file_format: one of `prediction_rows.FORMATS`; None for `table` in a terminal, else `csv`.
    """

    photos: tuple[str, ...]
    version: str | None
    groups: AgeGroups
    file_format: str | None


def run(settings: Settings, request: PredictRequest) -> int:
    """Predict the ages of the photos and print them.

    Returns:
        The exit code: 0, or 1 if there is a photo without an age.

    Raises:
        SettingsError: the photos do not exist.
        RunError: the version does not exist, or the registry or the model fails.
    """
    sources = photo_sources.find(request.photos, beam_args(settings))
    # TensorFlow's messages about GPUs would appear between the rows; it raises real errors.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    log.quiet_libraries()
    warnings.filterwarnings("ignore", module="PIL")  # the rows report bad photos
    version, folder = model_version.fetch_while_importing(settings, request.version)
    predictor = Predictor(
        AgeModel(folder), model_version.photo_spec(version, settings), request.groups
    )
    file_format = request.file_format or ("table" if sys.stdout.isatty() else "csv")
    if file_format == "table":
        click.echo(_title(settings.registry.model_name, version), err=True)
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # like `score`, in any locale
    write = prediction_rows.writer(file_format, sys.stdout, version.version, request.groups)
    photos = refused = 0
    left_out: Counter[str] = Counter()
    face_crops = model_version.face_crops(version, settings)
    for rows in predictor.predict(photo_sources.files(sources, face_crops, left_out)):
        write(rows)
        photos += len(rows)
        refused += sum(row.age is None for row in rows)
    if refused:
        summary = f"{refused:,} of {photos:,} photos have no age"
        click.echo(f"{summary}; their rows give the reasons", err=True)
    if left_out:
        click.echo(photo_sources.left_out_line(left_out), err=True)
    return 1 if refused else 0


def _title(name: str, version: ModelVersion) -> str:
    error = f", mean error {version.metrics[MAE]:.1f} years" if MAE in version.metrics else ""
    return f"{name}, version {version.version}{error}"
