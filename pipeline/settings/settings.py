"""All settings of a run: typed, and checked together.

Nothing here imports TensorFlow, TFX or Beam, so that a wrong setting is reported at once.
"""

import hashlib
import json
import os
import re
import unicodedata
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from customer_age.components import beam_runners
from customer_age.files import addresses
from customer_age.schema.strict_model import StrictModel

from .beam import BeamSettings
from .cluster import ClusterSettings
from .data import PATHS, DataSettings
from .kubernetes_names import validator
from .model import WEIGHTS_KEYWORDS, CanarySettings, GateSettings, TrainerSettings, TunerSettings
from .registry import RegistrySettings
from .retraining import NotifySettings, RetrainingSettings
from .yaml_reader import beyond_locale

_NO_RESULT = ("tuner", "cluster", "retraining", "notify")
"""Sections that do not change a run's result: tuning, where and when runs execute, and
notifications."""

_NOT_ON_A_LINE = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories of control characters, undecoded bytes and line separators."""


def _breaks_a_line(letter: str) -> bool:
    return unicodedata.category(letter) in _NOT_ON_A_LINE


MAX_CHARACTERS = 63
"""Most characters in a pipeline's name."""

PipelineName = Annotated[
    str,
    validator(
        re.compile(f"[a-z0-9][a-z0-9-]{{0,{MAX_CHARACTERS - 1}}}").fullmatch,
        "pipeline name",
        "1 to 63 of a-z, 0-9 and -, with a letter or digit first",
    ),
]


class Settings(StrictModel):
    """Everything that a run depends on, in addition to the data, the weights and the code."""

    name: PipelineName = "customer-age"
    """The pipeline's name: at most 63 characters, for TFX, the ledger and Kubernetes."""
    work_dir: str = Field("work", min_length=1, validate_default=True)
    """Folder for everything that a run writes."""
    data: DataSettings = DataSettings()
    trainer: TrainerSettings = TrainerSettings()
    tuner: TunerSettings = TunerSettings()
    gate: GateSettings = GateSettings()
    canary: CanarySettings = CanarySettings()
    registry: RegistrySettings = RegistrySettings()
    cluster: ClusterSettings = ClusterSettings()  # before beam, because the check of beam reads it
    beam: BeamSettings = BeamSettings()
    retraining: RetrainingSettings = RetrainingSettings()
    notify: NotifySettings = NotifySettings()

    @field_validator("work_dir")
    @classmethod
    def _fits_on_one_line(cls, work_dir: str) -> str:
        """Check the path: file lists, logs and messages have one a line; MLMD needs UTF-8."""
        try:
            os.fsencode(work_dir)
        except UnicodeEncodeError as error:
            if error.encoding != "utf-8":
                raise ValueError(f"{work_dir!r} {beyond_locale(error.encoding)}") from None
        fits = not any(map(_breaks_a_line, work_dir))
        if not fits or any(map(_breaks_a_line, str(Path(work_dir).resolve()))):
            raise ValueError(
                f"{work_dir!r} is, or is inside, a folder whose name contains a line break, "
                "another control character, or bytes that are not UTF-8; choose another folder "
                "with --work-dir"
            )
        return work_dir

    @field_validator("beam")
    @classmethod
    def _remote_workers_reach_what_they_need(
        cls, beam: BeamSettings, info: ValidationInfo
    ) -> BeamSettings:
        cluster: ClusterSettings | None = info.data.get("cluster")  # None if it is not valid
        if cluster and (
            wrong := beam_runners.complaint_of_cluster(
                beam.args, cluster.image, cluster.pipeline_root, cluster.in_place
            )
        ):
            raise ValueError(wrong.removeprefix("beam.args: "))
        return beam

    def reached(self) -> "Settings":
        """Return a copy whose data addresses include the store options from Beam's arguments."""
        locations = {name: getattr(self.data, name) for name in PATHS}
        reached = {
            name: addresses.reached_by(location, self.beam.args)
            for name, location in locations.items()
            if location
        }
        return self.model_copy(update={"data": self.data.model_copy(update=reached)})

    def on_cluster(self) -> "Settings":
        """Return a copy for a cluster, without what exists only on this machine.

        If there is an inbox, ingested photos are kept in the artifacts' bucket for later runs.
        Without one they are kept only during their run, because Kubeflow's launcher may access
        that bucket with a Secret that the components do not have.
        """
        root, data = self.cluster.pipeline_root, self.data
        if data.batch_cache is None:
            in_reach = data.inbox and root.startswith(("gs://", "s3://"))
            kept = addresses.join(root, "batch_cache") if in_reach else ""
            data = data.model_copy(update={"batch_cache": kept})
        return self.model_copy(update={"work_dir": "/tmp/customer-age", "data": data})

    @property
    def search_name(self) -> str:
        """The name of the tuning pipeline on a cluster."""
        return f"{self.name}-tune"

    @property
    def pipeline_root(self) -> str:
        """The folder of the run's artifacts."""
        return f"{self.work_dir}/pipeline"

    @property
    def batch_cache(self) -> str:
        """The folder where ingested batches are kept; empty if they are not kept after a run."""
        cache = self.data.batch_cache
        return f"{self.work_dir}/batch_cache" if cache is None else cache

    @property
    def person_key_file(self) -> str:
        """The path of the secret key for the hash that identifies a person."""
        return self.data.person_key_file or f"{self.work_dir}/person.key"

    @property
    def registry_uri(self) -> str:
        """The registry's URI, with the default resolved."""
        if self.registry.uri is not None:
            return self.registry.uri
        return f"mlflow+{addresses.sqlite_url(f'{self.work_dir}/registry/mlflow.db')}"

    @property
    def ledger_uri(self) -> str:
        """The URL of the ledger of batches and runs, with the default resolved."""
        default = f"{self.work_dir}/retraining/ledger.sqlite"
        return self.retraining.ledger or addresses.sqlite_url(default)

    def recorded(self) -> dict[str, Any]:
        """Return the settings for a run's record: all that the result depends on, and paths."""
        excluded: Any = {
            **dict.fromkeys(_NO_RESULT, True),
            "trainer": {"gpu"},  # the record contains the device itself
            "gate": {"gpu"},
        }
        return self.model_dump(mode="json", exclude=excluded)

    def fingerprint(self) -> str:
        """Return 12 hexadecimal digits that change with any setting that a result depends on."""
        excluded: Any = {
            "work_dir": True,
            **dict.fromkeys(_NO_RESULT, True),
            "data": {"batch_cache", "person_key_file"},
            "trainer": {"photo_cache_mb"},
        }
        settings = self.model_dump(mode="json", exclude=excluded)
        if self.trainer.weights not in WEIGHTS_KEYWORDS:
            settings["trainer"]["weights"] = ""  # a path; the run's key contains the file's content
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
