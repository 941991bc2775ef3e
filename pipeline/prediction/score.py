"""`customer-age score`: checks first, then Beam, then what became of the photos."""

import datetime
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from customer_age.errors import DataRefused, SettingsError
from customer_age.model_registry import open_registry
from customer_age.model_registry.registry import FINGERPRINT
from customer_age.schema.age_groups import AgeGroups

from ..graph.beam_options import beam_args, require_addresses
from ..running import failures
from ..running.log import quiet_libraries, redirected
from ..running.work_folder import WorkFolder
from ..settings.settings import Settings
from . import model_version, photo_sources

if TYPE_CHECKING:
    from .beam_scoring import Scored, Scoring
    from .destination import Destination


@dataclass(frozen=True)
class Asked:
    """What the command line says besides the settings.

    Attributes:
        data: arguments for `inputs.find`.
        output: where to write.
        file_format: `parquet`, `csv`, or None for what suits the output.
        overwrite: whether earlier predictions may be replaced.
        version: None for the champion.
        groups: to sort the ages into.
    """

    data: tuple[str, ...]
    output: str
    file_format: str | None
    overwrite: bool
    version: str | None
    groups: AgeGroups


def run(settings: Settings, asked: Asked) -> int:
    """Write the predictions.

    Returns:
        The exit code 0.

    Raises:
        SettingsError: there are no such photos, or nothing can be written there, or Beam's workers
            cannot reach one of the places.
        RunError: there is no such version, or the work failed.
        DataRefused: too many photos have no age.
    """
    places = {"registry.uri": settings.registry_uri, "--output": asked.output}
    require_addresses(settings, places | {f"DATA {place}": place for place in asked.data})
    arguments = beam_args(settings)
    sources = photo_sources.find(asked.data, arguments)
    quiet_libraries()
    from . import destination

    place = destination.parse(asked.output, asked.file_format)
    scoring = scoring_of(settings, asked, place)
    place.prepare(asked.overwrite, arguments)
    started = time.monotonic()
    scored = _logged(settings, place, sources, scoring, arguments)
    seconds = time.monotonic() - started
    refused = sum(scored.refused.values())
    files = 1 if place.is_file else len(scored.paths)
    click.echo(
        f"{scored.photos:,} photos by version {scoring.model.version} in {seconds:.1f} s: "
        f"{scored.photos - refused:,} ages, {refused:,} refused; "
        f"{files} file{'s' if files > 1 else ''} in {place.output}"
    )
    if refused > settings.data.max_refused_share * scored.photos:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in scored.refused.items())
        raise DataRefused(
            f"{refused:,} of {scored.photos:,} photos have no age ({reasons}), more than "
            f"data.max_refused_share ({settings.data.max_refused_share:.0%}) allows; their rows "
            "say why"
        )
    return 0


def scoring_of(settings: Settings, asked: Asked, place: "Destination") -> "Scoring":
    """Look the version up, and say what is asked of the workers."""
    from .beam_scoring import PublishedModel, Scoring

    registry = open_registry(settings.registry_uri, settings.registry.model_name)
    version = model_version.version(registry, asked.version)
    models = WorkFolder(settings.work_dir).models
    return Scoring(
        model=PublishedModel(
            registry_uri=settings.registry_uri,
            model_name=settings.registry.model_name,
            version=version.version,
            fingerprint=version.tags.get(FINGERPRINT),
            cache=str(models),
        ),
        photo_settings=model_version.photo_settings(version, settings),
        face_crops=model_version.face_crops(version, settings),
        groups=asked.groups,
        folder=place.folder,
        file_format=place.file_format,
    )


def _logged(
    settings: Settings,
    place: "Destination",
    sources: Sequence[photo_sources.PhotoSource],
    scoring: "Scoring",
    arguments: Sequence[str],
) -> "Scored":
    """Work with Beam, whose words go to a log file of the work folder."""
    from .beam_scoring import score

    logs = WorkFolder(settings.work_dir).logs
    log = logs / f"score-{datetime.datetime.now():%Y-%m-%dT%H-%M-%S}.log"
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"work_dir: {logs} cannot be written ({error.strerror})") from error
    with redirected(log):
        try:
            scored = score(sources, scoring, arguments)
            place.finish(scored.paths)
        except Exception as error:
            logging.exception("Scoring stopped.")
            raise failures.explained(error, "score", log) from error
    return scored
