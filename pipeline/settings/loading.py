"""Reads settings from YAML, and applies the changes from the command line.

Nothing here imports TensorFlow, TFX or Beam, so that a wrong setting is reported at once.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from customer_age.errors import SettingsError

from .data import PATHS
from .draft import Draft
from .messages import place_of, sentence
from .model import WEIGHTS_KEYWORDS
from .settings import Settings
from .yaml_reader import beyond_locale

CONFIGS = Path(__file__).parent / "configs"


def load(config: str, overrides: tuple[str, ...] = (), **options: str | float | None) -> Settings:
    """Read a settings file, then apply the changes from the command line.

    Args:
        config: the name of a file in `configs` (`local`), or the path of a settings file.
        overrides: texts such as `trainer.epochs=3`; the value is read as YAML.
        options: dotted keys with `__` for the dot (`data__path='photos'`); None is not set.

    Returns:
        The settings, with an absolute work folder.

    Raises:
        SettingsError: one line for each error, with its file and line, or its `--set`.
    """
    draft = Draft()
    draft.read_file(_config_file(config))
    for key, value in options.items():
        if value is not None:
            draft.option(tuple(key.split("__")), value)
    for override in overrides:
        draft.override(override)
    return _with_absolute_paths(_checked(draft))


def config_names() -> list[str]:
    """Return the names of the settings files of the project."""
    return sorted(file.stem for file in CONFIGS.glob("*.yaml"))


def _checked(draft: Draft) -> Settings:
    settings = None
    try:
        settings = _validated(draft.content)
    except ValidationError as error:
        for part in error.errors():
            place = place_of(part)
            draft.complain(place, sentence(part, Settings, draft.plain(place)))
    lines = draft.lines()
    if settings is None or lines:
        raise SettingsError("\n".join(lines))
    return settings


def _validated(content: dict[str, Any]) -> Settings:
    """Return the settings; a section or mapping without content counts as empty.

    The check is the JSON one: it accepts lists for tuples, and is strict otherwise.
    """
    while True:
        try:
            return Settings.model_validate_json(json.dumps(content))
        except ValidationError as error:
            empty = [
                place_of(part)
                for part in error.errors()
                if part["type"] in ("model_type", "dict_type") and part["input"] is None
            ]
            if not empty:
                raise
        for *sections, key in empty:
            inner: Any = content
            for section in sections:
                inner = inner[section]
            inner[key] = {}


def _with_absolute_paths(settings: Settings) -> Settings:
    """Make paths absolute: they are relative to the current folder, but a run may have another."""
    trainer = settings.trainer
    paths = {name: getattr(settings.data, name) for name in PATHS}
    absolute = {
        name: _absolute(f"data.{name}", path)
        for name, path in paths.items()
        if path is not None and "://" not in path
    }
    data = settings.data.model_copy(update=absolute)
    if trainer.weights not in WEIGHTS_KEYWORDS:
        trainer = trainer.model_copy(
            update={"weights": _absolute("trainer.weights", trainer.weights)}
        )
    work_dir = _absolute("work_dir", settings.work_dir)
    return settings.model_copy(update={"data": data, "trainer": trainer, "work_dir": work_dir})


def _absolute(setting: str, path: str) -> str:
    """Resolve a path from the current folder; `~` is the home folder."""
    try:
        return str(Path(path).expanduser().resolve())
    except RuntimeError:
        raise SettingsError(f"{setting}: {path}: that user has no home folder") from None
    except UnicodeEncodeError as error:
        raise SettingsError(f"{setting}: {path}: {beyond_locale(error.encoding)}") from None


def _config_file(config: str) -> Path:
    named = CONFIGS / f"{config}.yaml"
    if "/" not in config and named.is_file():
        return named
    file = Path(_absolute("--config", config)) if config.startswith("~") else Path(config)
    if file.is_dir():
        raise SettingsError(f"--config {config}: is a folder; give the settings file in it")
    if file.is_file():
        return file
    raise SettingsError(
        f"--config {config}: is neither a file nor one of the project's settings "
        f"({', '.join(config_names())})"
    )
