"""Reads settings from YAML, with what the command line changes.

Nothing here imports TensorFlow, TFX or Beam, so that a wrong setting is answered at once.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from customer_age.errors import SettingsError

from .data import PATHS
from .messages import sentence
from .model import WEIGHTS_KEYWORDS
from .settings import Settings

CONFIGS = Path(__file__).parent / "configs"


def load(config: str, overrides: tuple[str, ...] = (), **options: str | None) -> Settings:
    """Read a settings file, then apply what the command line says.

    Args:
        config: the name of a file in `configs` (`local`), or the path of one.
        overrides: texts such as `trainer.epochs=3`; the value is read as YAML.
        options: dotted keys with `__` for the dot (`data__path='photos'`); None says nothing.

    Returns:
        The settings, with an absolute work folder.

    Raises:
        SettingsError: one line for each thing that is wrong, each with its path.
    """
    content = _read(_config_file(config))
    for key, value in options.items():
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
    paths = {name: getattr(settings.data, name) for name in PATHS}
    absolute = {
        name: str(Path(path).resolve())
        for name, path in paths.items()
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
