"""Runs `customer-age score`: checks the settings, scores with Beam, and reports the counts."""

import datetime
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from customer_age.errors import DataRefused, SettingsError
from customer_age.model_registry import FINGERPRINT, open_registry
from customer_age.schema.age_groups import AgeGroups

from ..graph.beam_options import (
    beam_args,
    require_addresses,
    require_job_server,
    require_options,
)
from ..running import failures
from ..running.log import quiet_libraries, redirected
from ..running.work_folder import WorkFolder
from ..settings.settings import Settings
from . import model_version, photo_sources

if TYPE_CHECKING:
    from .beam_scoring import ScoringJob, ScoringResult
    from .destination import Destination


_MORE_SPACE = "free some space, or choose another --output or --work-dir, and use --overwrite"


@dataclass(frozen=True)
class ScoreRequest:
    """The arguments of the command line, without the settings.

    Attributes:
        data: arguments for `photo_sources.find`.
        output: path or URL of a folder or file to write.
        file_format: `parquet` or `csv`; None for the format of the output's suffix.
        overwrite: whether earlier predictions may be replaced.
        version: the version's name; None for the champion.
        groups: the age groups of the predictions.
    """

    data: tuple[str, ...]
    output: str
    file_format: str | None
    overwrite: bool
    version: str | None
    groups: AgeGroups


def run(settings: Settings, request: ScoreRequest) -> int:
    """Write the predictions.

    Returns:
        The exit code 0.

    Raises:
        SettingsError: the photos do not exist, the output cannot be written, Beam's workers cannot
            reach one of the addresses, or no job server answers.
        RunError: the version does not exist, or scoring failed.
        DataRefused: too many photos have no age.
    """
    require_options(settings)
    addresses = {"registry.uri": settings.registry_uri, "--output": request.output}
    require_addresses(settings, addresses | {f"DATA {each}": each for each in request.data})
    require_job_server(settings)
    arguments = beam_args(settings)
    sources = photo_sources.find(request.data, arguments)
    quiet_libraries()
    from .destination import parse

    destination = parse(request.output, request.file_format, arguments)
    job = scoring_job(settings, request, destination)
    destination.prepare(request.overwrite)
    started = time.monotonic()
    result = _logged(settings, destination, sources, job, arguments)
    seconds = time.monotonic() - started
    refused = sum(result.refused.values())
    files = 1 if destination.is_file else len(result.paths)
    click.echo(
        f"{result.photos:,} photos by version {job.model.version} in {seconds:.1f} s: "
        f"{result.photos - refused:,} ages, {refused:,} refused; "
        f"{files} file{'s' if files > 1 else ''} in {request.output}"
    )
    if result.left_out:
        click.echo(photo_sources.left_out_line(result.left_out))
    if refused > settings.data.max_refused_share * result.photos:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in result.refused.items())
        raise DataRefused(
            f"{refused:,} of {result.photos:,} photos have no age ({reasons}), more than "
            f"data.max_refused_share ({settings.data.max_refused_share:.0%}) allows; their rows "
            "give the reasons"
        )
    return 0


def scoring_job(
    settings: Settings, request: ScoreRequest, destination: "Destination"
) -> "ScoringJob":
    """Find the version, and return the workers' job."""
    from .beam_scoring import PublishedModel, ScoringJob

    registry = open_registry(settings.registry_uri, settings.registry.model_name)
    version = model_version.version(registry, request.version)
    models = WorkFolder(settings.work_dir).models
    return ScoringJob(
        model=PublishedModel(
            registry_uri=settings.registry_uri,
            model_name=settings.registry.model_name,
            version=version.version,
            fingerprint=version.tags.get(FINGERPRINT),
            cache=str(models),
        ),
        photo_spec=model_version.photo_spec(version, settings),
        face_crops=model_version.face_crops(version, settings),
        groups=request.groups,
        folder=destination.folder,
        file_format=destination.file_format,
    )


def _logged(
    settings: Settings,
    destination: "Destination",
    sources: Sequence[photo_sources.PhotoSource],
    job: "ScoringJob",
    arguments: Sequence[str],
) -> "ScoringResult":
    """Score with Beam, and write its messages to a log file of the work folder."""
    from .beam_scoring import score_photos

    logs = WorkFolder(settings.work_dir).logs
    log = logs / f"score-{datetime.datetime.now():%Y-%m-%dT%H-%M-%S}.log"
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"work_dir: {logs} cannot be written ({error.strerror})") from error
    with redirected(log):
        try:
            result = score_photos(sources, job, arguments)
            destination.finish(result.paths)
        except Exception as error:
            logging.exception("Scoring stopped.")
            raise failures.explained(error, "score", log, _MORE_SPACE) from error
    return result
