"""Fills the pages' templates."""

import importlib.metadata
import platform
from pathlib import Path
from typing import Any

import jinja2

from customer_age import redaction

from . import formatting

_LIBRARIES = ("customer-age", "tfx", "tensorflow", "keras")


def filled(name: str, **values: Any) -> str:
    """Fill a template.

    Args:
        name: of the template's file.
        values: that it prints.

    Returns:
        HTML without scripts, external resources and secrets.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        years=formatting.years,
        signed=formatting.signed,
        count=formatting.count,
        duration=formatting.duration,
        sentence=formatting.sentence,
    )
    html = environment.get_template(name).render(versions=_versions(), **values)
    # On the finished page, so that it covers every sentence, path and setting.
    return redaction.hide_credentials(html)


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue  # a page can be rendered even if a part of the pipeline is not installed
    return found
