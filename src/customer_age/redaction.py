"""Keeps secrets out of what is written down: settings, pages, logs."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

SECRET_OPTION = re.compile("secret|password|token|access_key", re.IGNORECASE)
"""What an option is called whose value must not be written down."""

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


def url_parts(url: str) -> SplitResult:
    """Split a URL, or what may be one.

    Raises:
        ValueError: it is malformed, or its port is not valid. The message holds nothing of it,
            since there may be a password in it.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("is not a well-formed URL") from None
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("the port must be 1 to 65535")
    return parts
