"""The settings of a run: typed, read from YAML, changed by `--set`, checked before anything runs.

Nothing here imports TensorFlow, TFX or Beam, so that a wrong setting is answered at once.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from customer_age.components import age_groups
from customer_age.components.errors import SettingsError
from customer_age.components.photo_example_gen.inbox import BATCH_NAME
from customer_age.pipeline import beam_runners
from customer_age.pipeline.cluster_settings import ClusterSettings, GpuSettings
from customer_age.pipeline.retraining_settings import NotifySettings, RetrainingSettings
from customer_age.pipeline.settings_section import Section

CONFIGS = Path(__file__).parent / "configs"
_SECRET = re.compile("secret|password|token|access_key", re.IGNORECASE)
_NO_RESULT = ("cluster", "retraining", "notify")
"""Sections that say where and when a run runs and who is told: its result tells nothing of them."""
WEIGHTS_KEYWORDS = ("imagenet", "champion", "none")
_DATA_PATHS = ("path", "inbox", "batch_cache", "profiles", "person_key_file")

Share = Annotated[float, Field(ge=0, le=1)]


class SplitShares(Section):
    """Shares of the photos, where the data set brings no splits of its own."""

    train: float = Field(0.8, gt=0, lt=1)
    valid: float = Field(0.1, gt=0, lt=1)
    test: float = Field(0.1, gt=0, lt=1)

    @model_validator(mode="after")
    def _make_a_whole(self) -> "SplitShares":
        total = self.train + self.valid + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train, valid and test must add up to 1, not {total:g}")
        return self


class DataSettings(Section):
    """Where the photos are, how they are stored, and when the run must stop for them."""

    path: str | None = None
    """The folder with the label table and the photos."""
    layout: Literal["auto", "hand_out", "appa_real", "loyalty_card"] = "auto"
    columns: dict[str, str] = {}
    """What the label tables call `file_name`, `real_age`, `person`, `batch`, `split`,
    `captured_at`, `date_of_birth`, `consent` or `updated_at`, where that is not the layout's own
    name."""
    keep_columns: tuple[str, ...] = ()
    """Further columns of the label tables to keep in the examples; all others are left out."""
    face_crops: bool = True
    """APPA-REAL release: take the face crop beside a photo where there is one."""
    stored_size: int = Field(256, ge=32, le=2048)
    """Pixels; a photo's shorter side is shrunk to this once, at ingestion."""
    min_size: int = Field(32, ge=1)
    """Pixels; a photo whose shorter side is below this is refused."""
    jpeg_quality: int = Field(92, ge=50, le=100)
    split_shares: SplitShares = SplitShares()
    split_key: str = Field("customer-age", min_length=1)
    """Keys the hash that gives a photo its split, and is no secret; another key deals the photos
    anew."""
    inbox: str | None = None
    """The folder, or `gs://` or `s3://` address, of loyalty-card batches: each a sub-folder with
    `photos.csv`, its photos, and an empty `_SUCCESS` that is written last."""
    batches: tuple[str, ...] = ()
    """Names of the inbox's batches that the run learns from on top of `path`."""
    batch_cache: str | None = None
    """Where ingested batches are kept, to be decoded once; by default in the work folder."""
    profiles: str | None = None
    """Where the profiles of loyalty cards are, if not in `cards.csv` of the batch or the inbox: a
    table, or SQLAlchemy's URL of a database, with `#table` behind it and without a password."""
    max_profile_age_days: int | None = Field(None, ge=0)
    """A profile whose `updated_at` was older than this when the photo was taken is stale."""
    max_photos_per_card: int | None = Field(20, ge=1)
    """In one batch; a card that is shown more often is hardly one person's."""
    person_key_file: str | None = None
    """Path of the secret that keys the hash which stands for a person, such as a mounted one. The
    same for every run; by default one is made in the work folder."""
    max_refused_share: Share = 0.05
    """Share of the table's rows; more photos refused than this stop the run."""
    max_wrong_ages: int = Field(0, ge=0)
    """Rows whose age is no age (999, -1, 'old'). One is a sign of a broken table."""

    @field_validator("batches")
    @classmethod
    def _batches_are_names(cls, batches: tuple[str, ...]) -> tuple[str, ...]:
        for batch in batches:
            if not BATCH_NAME.fullmatch(batch):
                raise ValueError(f"{batch!r} is no name of a batch: it is a folder of the inbox")
        return tuple(sorted(set(batches)))  # the order makes no other run

    @field_validator("profiles")
    @classmethod
    def _profiles_hold_no_secret(cls, profiles: str | None) -> str | None:
        parts = urlsplit(profiles or "")
        if parts.password is not None or _SECRET.search(parts.query):
            raise ValueError(
                "must hold no password: settings are written down. PostgreSQL's client reads "
                "PGPASSWORD or PGPASSFILE"
            )
        return profiles

    @model_validator(mode="after")
    def _batches_lie_somewhere(self) -> "DataSettings":
        if self.batches and not self.inbox:
            raise ValueError("batches are given, but no inbox that they lie in")
        return self

    @model_validator(mode="after")
    def _sizes_fit(self) -> "DataSettings":
        if self.min_size > self.stored_size:
            raise ValueError(
                f"min_size {self.min_size} is above stored_size {self.stored_size}: "
                "every photo would be refused or blown up"
            )
        return self


class TrainerSettings(Section):
    """The ResNet50 regressor and how it is trained."""

    weights: str = "imagenet"
    """`imagenet` (Keras downloads them), `champion`, `none` (random), or a `.weights.h5` file."""
    input_size: int = Field(96, ge=32, le=1024)
    """Pixels; the network sees squares of this side."""
    batch_size: int = Field(32, ge=1)
    """Photos per step, over all GPUs."""
    head_epochs: int = Field(1, ge=0)
    """Epochs of the output layer alone; left out where the weights are random."""
    epochs: int = Field(6, ge=1)
    """Epochs of the whole network, at most: early stopping may end sooner."""
    head_learning_rate: float = Field(1e-3, gt=0)
    learning_rate: float = Field(5e-4, gt=0)
    """Peak of the whole network's schedule: a linear warm-up, then a cosine."""
    weight_decay: float = Field(1e-4, ge=0)
    dropout: float = Field(0.2, ge=0, lt=1)
    patience: int = Field(3, ge=1)
    """Epochs without a better `valid` MAE after which training stops."""
    augmentation: bool = True
    seed: int = 0
    gpu: GpuSettings | None = None
    """On a cluster. A local run takes the GPUs that TensorFlow sees."""


class GateSettings(Section):
    """What TFMA must find on `test` before a model is published."""

    max_mae: float = Field(8.0, gt=0)
    """Years, inclusive."""
    min_test_photos: int = Field(100, ge=1)
    champion_tolerance: float = Field(0.2, ge=0)
    """Years by which the champion may be better. A first model must beat the median predictor."""
    age_groups: tuple[str, ...] = (
        "0-12", "13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+",
    )  # fmt: skip
    """The slices of the evaluation. Predictions may use any other bands."""
    gpu: GpuSettings | None = None
    """For the Evaluator, on a cluster."""

    @field_validator("age_groups")
    @classmethod
    def _groups_parse(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        age_groups.parse(list(groups))
        return groups


class CanarySettings(Section):
    """What a model may need in a fresh process, on the CPU, to be published."""

    max_seconds_per_photo: float = Field(2.0, gt=0)
    """For one photo alone, and on average in a batch of 64."""
    max_memory_mb: int = Field(4096, ge=1)
    """At the process's peak: TensorFlow, the weights, 64 photos and one of 12 megapixels."""
    timeout_seconds: int = Field(300, ge=1)
    """For everything that the canary asks; a model that hangs is refused after it."""


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
            if _SECRET.search(name):
                raise ValueError(
                    f"{name} must not be given here: settings are written down. Object stores "
                    "read their credentials from the environment"
                )
        return args

    @field_validator("args")
    @classmethod
    def _name_what_the_runner_needs(cls, args: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := beam_runners.complaint(args):
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
        if wrong := beam_runners.complaint_of_cluster(
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
        return self.model_dump(mode="json", exclude=set(_NO_RESULT))

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
        raise SettingsError("\n".join(_sentence(part) for part in error.errors())) from error


def config_names() -> list[str]:
    """The names of the settings files that come with the project."""
    return sorted(file.stem for file in CONFIGS.glob("*.yaml"))


def _with_absolute_paths(settings: Settings) -> Settings:
    """Paths are given relative to where the command is called, and kept for wherever it runs."""
    trainer = settings.trainer
    given = {name: getattr(settings.data, name) for name in _DATA_PATHS}
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


def _sentence(part: Any) -> str:
    where = ".".join(str(step) for step in part["loc"]) or "settings"
    if part["type"] == "extra_forbidden":
        known = ", ".join(_keys_beside(part["loc"]))
        return f"{where}: no such setting (there are: {known})"
    what = part["msg"].removeprefix("Value error, ")
    if not what[:2].isupper():  # a name stays as it is
        what = what[0].lower() + what[1:]
    if isinstance(part["input"], dict) or part["type"] == "value_error":
        return f"{where}: {what}"
    return f"{where}: {what}, not {part['input']!r}"


def _keys_beside(location: tuple) -> list[str]:
    model: Any = Settings
    for step in location[:-1]:
        if step in model.model_fields:
            model = _section_in(model.model_fields[step].annotation)
    return list(model.model_fields)


def _section_in(annotation: Any) -> Any:
    """The section itself, or the one in `GpuSettings | None` or `dict[str, Resources]`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    found = (_section_in(part) for part in get_args(annotation))
    return next((section for section in found if section is not None), None)
