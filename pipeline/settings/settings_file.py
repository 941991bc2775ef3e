"""Writes settings as a file that `loading.load` reads."""

import io

from ruamel.yaml import YAML

from .settings import Settings


def text_of(settings: Settings, comment: str) -> str:
    """A settings file that says all that is not the default.

    Settings hold no secret, as each section sees to it, and so neither does the file.

    Args:
        settings: any.
        comment: lines that stand at its head.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # typed by its None
    text = io.StringIO()
    text.writelines(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    if said := settings.model_dump(mode="json", exclude_defaults=True):
        yaml.dump(said, text)
    return text.getvalue()
