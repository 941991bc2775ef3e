"""Keeps secrets out of what is written down: settings, pages, logs."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_SECRET_WORDS = (
    r"secret|passwo?r?d|passphrase|token|credential|signature|"
    r"(?:api|access|account|storage|shared|private|encryption|customer|subscription)[_-]?key"
)
SECRET_OPTION = re.compile(rf"(?i){_SECRET_WORDS}|^-*(?:sig|sas|key)$")
"""What an option, a query's key or an environment variable is called whose value is secret."""

HIDDEN = "hidden"

# The second form catches a password that holds an unescaped slash.
_USER_INFO = re.compile(r"""://(?:[^/\s<>"']*@|[^/\s:@<>"']+:[^\s@<>"']*@)""")
# A `;` parts parameters too, and ends the `&amp;` that parts them in HTML.
_QUERY = re.compile(
    r"""(?i)([?;&][\w.-]*(?:token|secret|password|signature|credential|sig|key)=)"""
    r"""[^&\s<>"']+"""
)
# A setting's name, which a library may have chosen: what ends in `_key` is one, but for these.
_SECRET_NAME = re.compile(rf"(?i){_SECRET_WORDS}|_key$|^key$")
_NO_SECRETS = {"split_key", "run_key"}

_NAMED_VALUE = re.compile(r"""([\w.-]+)["']?\s*[=:]\s*\S""")


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
            name: HIDDEN if value and is_secret_name(str(name)) else hide_secret_settings(value)
            for name, value in settings.items()
        }
    if isinstance(settings, list | tuple):
        return [hide_secret_settings(value) for value in settings]
    return settings


def is_secret_name(name: str) -> bool:
    """Whether the value under a setting's name is to be hidden."""
    return name not in _NO_SECRETS and _SECRET_NAME.search(name) is not None


def require_no_secret(address: str, instead: str, user: bool = False) -> str:
    """See that an address, or an address inside its query, holds no secret.

    Args:
        address: a URL, or a path, which is never refused.
        instead: where such a secret belongs, for people.
        user: whether a user's name may stand in it, without a password.

    Returns:
        The address.

    Raises:
        ValueError: it does, or is malformed. The message holds nothing of it.
    """
    scheme, separator, _ = address.partition("://")
    if not separator or scheme == "file":
        return address
    parts = url_parts(address)
    who, at, _ = parts.netloc.rpartition("@")
    named = [*parse_qsl(parts.query.replace(";", "&")), *parse_qsl(parts.fragment)]
    if (at and (not user or ":" in who)) or any(SECRET_OPTION.search(name) for name, _ in named):
        what = "password" if user else "user name or password"
        raise ValueError(
            f"must hold no {what}, and no token or key: settings are written down and travel with "
            f"the run; {instead}"
        )
    for _, inner in named:
        require_no_secret(unquote(inner), instead, user)
    return address


def names_a_secret(text: str) -> bool:
    """Whether a text gives a value to something that is called as secrets are, or is such a URL.

    Args:
        text: such as an option's value, `AccountName=shop;AccountKey=...`.
    """
    if any(SECRET_OPTION.search(match[1]) for match in _NAMED_VALUE.finditer(text)):
        return True
    return _USER_INFO.search(text) is not None


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
