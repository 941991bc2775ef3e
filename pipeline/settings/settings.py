"""The settings of a run: typed, read from YAML, changed by `--set`, checked before anything runs.

Nothing here imports TensorFlow, TFX or Beam, so that a wrong setting is answered at once.
"""

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from customer_age.components import beam_runner_requirements
from customer_age.errors import SettingsError

from .cluster import ClusterSettings
from .data import PLACES, DataSettings
from .messages import sentence
from .model import WEIGHTS_KEYWORDS, CanarySettings, GateSettings, TrainerSettings
from .retraining import NotifySettings, RetrainingSettings
from .section import SECRET_NAME, Section

CONFIGS = Path(__file__).parent / "configs"
_NO_RESULT = ("cluster", "retraining", "notify")
"""Sections that say where and when a run runs and who is told: its result tells nothing of them."""


class RegistrySettings(Section):
    """Where models are published."""

    uri: str | None = None
    """By default MLflow on SQLite in the work folder. Else `mlflow+sqlite:////folder/mlflow.db`,
    `mlflow+http(s)://host:port`, `vertex://project/region/model?staging=gs://bucket/folder` or
    `kubeflow-registry://host:port/model?artifacts=s3://bucket/folder`."""
    model_name: str = Field("customer-age", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")

    @field_validator("uri")
    @classmethod
    def _holds_no_secret(cls, uri: str | None) -> str | None:
        """Settings are written into the metadata, the report and the registry itself."""
        if uri is not None and "@" in urlsplit(uri).netloc:
            raise ValueError(
                "must hold no user name or password; set MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD in the environment"
            )
        return uri


class BeamSettings(Section):
    """How Beam runs ingestion, statistics, evaluation and scoring; `docs/beam.md` tells more."""

    workers: int = Field(0, ge=0)
    """Threads of the local runner; 0 takes one per core."""
    args: tuple[str, ...] = ()
    """Further Beam options, each as `--name=value`, such as `--runner=DataflowRunner`."""

    @field_validator("args")
    @classmethod
    def _hold_no_secret(cls, args: tuple[str, ...]) -> tuple[str, ...]:
        for name in (arg.partition("=")[0] for arg in args):
            if SECRET_NAME.search(name):
                raise ValueError(
                    f"{name} must not be given here: settings are written down. Object stores "
                    "read their credentials from the environment"
                )
        return args

    @field_validator("args")
    @classmethod
    def _name_what_the_runner_needs(cls, args: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := beam_runner_requirements.complaint(args):
            raise ValueError(wrong)
        return args


class Settings(Section):
    """Everything a run depends on besides the data, the weights and the code."""

    name: str = Field("customer-age", pattern=r"^[a-z0-9][a-z0-9-]*$")
    """The pipeline's name."""
    work_dir: str = Field("work", min_length=1)
    """Where everything that a run makes is kept."""
    data: DataSettings = DataSettings()
    trainer: TrainerSettings = TrainerSettings()
    gate: GateSettings = GateSettings()
    canary: CanarySettings = CanarySettings()
    registry: RegistrySettings = RegistrySettings()
    beam: BeamSettings = BeamSettings()
    cluster: ClusterSettings = ClusterSettings()
    retraining: RetrainingSettings = RetrainingSettings()
    notify: NotifySettings = NotifySettings()

    @model_validator(mode="after")
    def _workers_elsewhere_reach_what_they_need(self) -> "Settings":
        cluster = self.cluster
        if wrong := beam_runner_requirements.complaint_of_cluster(
            self.beam.args, cluster.image, cluster.pipeline_root, cluster.in_place
        ):
            raise ValueError(wrong)
        return self

    @property
    def pipeline_root(self) -> str:
        """The folder of the run's artifacts."""
        return f"{self.work_dir}/pipeline"

    @property
    def batch_cache(self) -> str:
        """Where ingested batches are kept."""
        return self.data.batch_cache or f"{self.work_dir}/batch_cache"

    @property
    def person_key_file(self) -> str:
        """The path of the secret that keys the hash which stands for a person."""
        return self.data.person_key_file or f"{self.work_dir}/person.key"

    @property
    def registry_uri(self) -> str:
        """The registry's URI, the default one resolved."""
        if self.registry.uri is not None:
            return self.registry.uri
        return f"mlflow+sqlite:///{self.work_dir}/registry/mlflow.db"

    @property
    def ledger_uri(self) -> str:
        """Where the ledger of batches and runs is, the default one resolved."""
        return self.retraining.ledger or f"sqlite:///{self.work_dir}/retraining/ledger.sqlite"

    def as_yaml(self) -> str:
        """The settings as a YAML file would give them."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def recorded(self) -> dict[str, Any]:
        """What a run's record holds of the settings: all that its result depends on, and places."""
        unsaid: Any = {
            **dict.fromkeys(_NO_RESULT, True),
            "trainer": {"gpu"},  # the record tells the device itself
            "gate": {"gpu"},
        }
        return self.model_dump(mode="json", exclude=unsaid)

    def fingerprint(self) -> str:
        """12 hexadecimal digits that change with whatever a run's result depends on."""
        places: Any = {
            "work_dir": True,
            **dict.fromkeys(_NO_RESULT, True),
            "data": {"batch_cache", "person_key_file"},
        }
        settings = self.model_dump(mode="json", exclude=places)
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def load(config: str, overrides: tuple[str, ...] = (), **given: str | None) -> Settings:
    """Read a settings file, then apply what the command line says.

    Args:
        config: the name of a file in `pipeline/configs` (`local`), or the path of one.
        overrides: texts such as `trainer.epochs=3`; the value is read as YAML.
        given: dotted keys with `__` for the dot (`data__path='photos'`); None says nothing.

    Returns:
        The settings, with an absolute work folder.

    Raises:
        SettingsError: one line for each thing that is wrong, each with its path.
    """
    content = _read(_config_file(config))
    for key, value in given.items():
        if value is not None:
            _put(content, key.split("__"), value)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            raise SettingsError(f"--set {override}: write it as key=value, as in trainer.epochs=3")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise SettingsError(f"--set {override}: the value is not YAML") from error
        _put(content, key.strip().split("."), value)
    return _with_absolute_paths(checked(content))


def checked(content: dict[str, Any]) -> Settings:
    """Settings from what a settings file holds.

    Raises:
        SettingsError: one line for each thing that is wrong, each with its path.
    """
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise SettingsError(
            "\n".join(sentence(part, Settings) for part in error.errors())
        ) from error


def config_names() -> list[str]:
    """The names of the settings files that come with the project."""
    return sorted(file.stem for file in CONFIGS.glob("*.yaml"))


def _with_absolute_paths(settings: Settings) -> Settings:
    """Paths are given relative to where the command is called, and kept for wherever it runs."""
    trainer = settings.trainer
    given = {name: getattr(settings.data, name) for name in PLACES}
    absolute = {
        name: str(Path(path).resolve())
        for name, path in given.items()
        if path is not None and "://" not in path
    }
    data = settings.data.model_copy(update=absolute)
    if trainer.weights not in WEIGHTS_KEYWORDS:
        trainer = trainer.model_copy(update={"weights": str(Path(trainer.weights).resolve())})
    work_dir = str(Path(settings.work_dir).resolve())
    return settings.model_copy(update={"data": data, "trainer": trainer, "work_dir": work_dir})


def _config_file(config: str) -> Path:
    named = CONFIGS / f"{config}.yaml"
    if "/" not in config and named.is_file():
        return named
    if Path(config).is_file():
        return Path(config)
    raise SettingsError(
        f"--config {config}: neither a file nor one of the settings that come with the project "
        f"({', '.join(config_names())})"
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{file}: cannot be read as YAML: {reason}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{file}: must hold keys and values, such as `trainer: {{epochs: 3}}`")
    return content


def _put(content: dict[str, Any], path: list[str], value: Any) -> None:
    *sections, key = path
    for section in sections:
        inner = content.setdefault(section, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"{'.'.join(path)}: {section} is a value, not a section")
        content = inner
    content[key] = value
