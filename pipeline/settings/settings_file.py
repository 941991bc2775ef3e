"""Writes settings as a file that `loading.load` reads."""

import io

from ruamel.yaml import YAML

from .settings import Settings


def text_of(settings: Settings, comment: str) -> str:
    """Return the text of a settings file with every setting that is not the default.

    The file contains no secret, because each section refuses secrets.

    Args:
        settings: any settings.
        comment: the lines of the comment at the beginning.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # typed by its None
    text = io.StringIO()
    text.writelines(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    if changed := settings.model_dump(mode="json", exclude_defaults=True):
        yaml.dump(changed, text)
    return text.getvalue()
