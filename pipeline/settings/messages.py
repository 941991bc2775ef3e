"""One line for each thing that is wrong with the settings."""

from typing import Any, get_args

from .section import Section


def sentence(part: Any, settings: type[Section]) -> str:
    """What is wrong, and where.

    Args:
        part: one of pydantic's errors.
        settings: that were checked.
    """
    name = ".".join(str(step) for step in part["loc"]) or "settings"
    if part["type"] == "extra_forbidden":
        known = ", ".join(_keys_beside(part["loc"], settings))
        return f"{name}: no such setting (there are: {known})"
    message = part["msg"].removeprefix("Value error, ")
    if not message[:2].isupper():  # a name stays as it is
        message = message[0].lower() + message[1:]
    if isinstance(part["input"], dict) or part["type"] == "value_error":
        return f"{name}: {message}"
    return f"{name}: {message}, not {part['input']!r}"


def _keys_beside(location: tuple, settings: type[Section]) -> list[str]:
    model: Any = settings
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
