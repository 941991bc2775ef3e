"""Keeps secrets out of the page."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "hidden"

# The second form catches a password that holds an unescaped slash.
_USER_INFO = re.compile(r"""://(?:[^/\s<>"']*@|[^/\s:@<>"']+:[^\s@<>"']*@)""")
# A `;` parts parameters too, and ends the `&amp;` that parts them in HTML.
_QUERY = re.compile(
    r"""(?i)([?;&][\w.-]*(?:token|secret|password|signature|credential|sig|key)=)"""
    r"""[^&\s<>"']+"""
)
_SECRET_NAME = re.compile(
    r"(?i)(?:secret|token|passwo?r?d|passphrase|credential|api_?key|_key$|^key$)"
)


def hide_credentials(text: str) -> str:
    """Blank the user and password, and the signing parameters, of every URL in a text."""
    return _QUERY.sub(rf"\1{HIDDEN}", _USER_INFO.sub(f"://{HIDDEN}@", text))


def hide_secret_settings(settings: Any) -> Any:
    """Copy settings, with the value of everything that is named like a secret blanked.

    Args:
        settings: mappings, lists and plain values, in any nesting.

    Returns:
        The same, where the value under a name such as `api_key` or `password` is `hidden`. Empty
        values stay, since it matters to know that none was given.
    """
    if isinstance(settings, Mapping):
        return {
            name: HIDDEN
            if value and _SECRET_NAME.search(str(name))
            else hide_secret_settings(value)
            for name, value in settings.items()
        }
    if isinstance(settings, list | tuple):
        return [hide_secret_settings(value) for value in settings]
    return settings
