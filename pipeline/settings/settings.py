"""All settings of a run: typed, and checked together.

Nothing here imports TensorFlow, TFX or Beam, so that a wrong setting is answered at once.
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
from .kubernetes_names import judged
from .model import WEIGHTS_KEYWORDS, CanarySettings, GateSettings, TrainerSettings, TunerSettings
from .registry import RegistrySettings
from .retraining import NotifySettings, RetrainingSettings
from .yaml_reader import beyond_locale

_NO_RESULT = ("tuner", "cluster", "retraining", "notify")
"""Sections that say how settings are tuned, where and when a run runs, and who is notified: a run's
result does not depend on them."""

_IN_NO_LINE = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, stray bytes and line separators."""


def _breaks_a_line(letter: str) -> bool:
    return unicodedata.category(letter) in _IN_NO_LINE


MOST_LETTERS = 63
"""Of a pipeline's name."""

PipelineName = Annotated[
    str,
    judged(
        re.compile(f"[a-z0-9][a-z0-9-]{{0,{MOST_LETTERS - 1}}}").fullmatch,
        "name of a pipeline",
        "1 to 63 of a-z, 0-9 and -, with a letter or digit first",
    ),
]


class Settings(StrictModel):
    """Everything a run depends on besides the data, the weights and the code."""

    name: PipelineName = "customer-age"
    """The pipeline's name; TFX, the ledger and Kubernetes keep 63 letters of one."""
    work_dir: str = Field("work", min_length=1, validate_default=True)
    """Where everything that a run makes is kept."""
    data: DataSettings = DataSettings()
    trainer: TrainerSettings = TrainerSettings()
    tuner: TunerSettings = TunerSettings()
    gate: GateSettings = GateSettings()
    canary: CanarySettings = CanarySettings()
    registry: RegistrySettings = RegistrySettings()
    cluster: ClusterSettings = ClusterSettings()  # before beam, whose check looks at it
    beam: BeamSettings = BeamSettings()
    retraining: RetrainingSettings = RetrainingSettings()
    notify: NotifySettings = NotifySettings()

    @field_validator("work_dir")
    @classmethod
    def _can_stand_in_a_line(cls, work_dir: str) -> str:
        """Lists of files, logs and messages have a path a line; ML Metadata keeps UTF-8 alone."""
        try:
            os.fsencode(work_dir)
        except UnicodeEncodeError as error:
            if error.encoding != "utf-8":
                raise ValueError(f"{work_dir!r} {beyond_locale(error.encoding)}") from None
        stands_in_a_line = not any(map(_breaks_a_line, work_dir))
        if not stands_in_a_line or any(map(_breaks_a_line, str(Path(work_dir).resolve()))):
            raise ValueError(
                f"{work_dir!r} is, or lies in, a folder whose name holds a line break, "
                "another control character, or bytes that are not UTF-8; name another folder with "
                "--work-dir"
            )
        return work_dir

    @field_validator("beam")
    @classmethod
    def _workers_elsewhere_reach_what_they_need(
        cls, beam: BeamSettings, info: ValidationInfo
    ) -> BeamSettings:
        cluster: ClusterSettings | None = info.data.get("cluster")  # None where it is wrong itself
        if cluster and (
            wrong := beam_runners.complaint_of_cluster(
                beam.args, cluster.image, cluster.pipeline_root, cluster.in_place
            )
        ):
            raise ValueError(wrong.removeprefix("beam.args: "))
        return beam

    def reached(self) -> "Settings":
        """The same, its addresses with what Beam's options say of how a store is reached."""
        places = {name: getattr(self.data, name) for name in PATHS}
        reached = {
            name: addresses.reached_by(place, self.beam.args)
            for name, place in places.items()
            if place
        }
        return self.model_copy(update={"data": self.data.model_copy(update=reached)})

    def on_cluster(self) -> "Settings":
        """The same as a cluster sees them: without what only this machine has.

        Where there is an inbox, ingested photos are kept beside the artifacts, so that later runs
        find them. Without one they are kept for no longer than their run: Kubeflow's launcher may
        reach that bucket by a Secret of its own, which components do not have.
        """
        root, data = self.cluster.pipeline_root, self.data
        if data.batch_cache is None:
            in_reach = data.inbox and root.startswith(("gs://", "s3://"))
            kept = addresses.join(root, "batch_cache") if in_reach else ""
            data = data.model_copy(update={"batch_cache": kept})
        return self.model_copy(update={"work_dir": "/tmp/customer-age", "data": data})

    @property
    def search_name(self) -> str:
        """What the pipeline that tunes is called on a cluster."""
        return f"{self.name}-tune"

    @property
    def pipeline_root(self) -> str:
        """The folder of the run's artifacts."""
        return f"{self.work_dir}/pipeline"

    @property
    def batch_cache(self) -> str:
        """Where ingested batches are kept; empty where none is kept beyond its run."""
        cache = self.data.batch_cache
        return f"{self.work_dir}/batch_cache" if cache is None else cache

    @property
    def person_key_file(self) -> str:
        """The path of the secret that keys the hash which stands for a person."""
        return self.data.person_key_file or f"{self.work_dir}/person.key"

    @property
    def registry_uri(self) -> str:
        """The registry's URI, the default one resolved."""
        if self.registry.uri is not None:
            return self.registry.uri
        return f"mlflow+{addresses.sqlite_url(f'{self.work_dir}/registry/mlflow.db')}"

    @property
    def ledger_uri(self) -> str:
        """Where the ledger of batches and runs is, the default one resolved."""
        default = f"{self.work_dir}/retraining/ledger.sqlite"
        return self.retraining.ledger or addresses.sqlite_url(default)

    def recorded(self) -> dict[str, Any]:
        """What a run's record holds of the settings: all that its result depends on, and places."""
        excluded: Any = {
            **dict.fromkeys(_NO_RESULT, True),
            "trainer": {"gpu"},  # the record tells the device itself
            "gate": {"gpu"},
        }
        return self.model_dump(mode="json", exclude=excluded)

    def fingerprint(self) -> str:
        """12 hexadecimal digits that change with whatever a run's result depends on."""
        excluded: Any = {
            "work_dir": True,
            **dict.fromkeys(_NO_RESULT, True),
            "data": {"batch_cache", "person_key_file"},
            "trainer": {"photo_cache_mb"},
        }
        settings = self.model_dump(mode="json", exclude=excluded)
        if self.trainer.weights not in WEIGHTS_KEYWORDS:
            settings["trainer"]["weights"] = ""  # a path; the run's key has the file's content
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
