"""Keep secrets out of written settings, pages and logs."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_SECRET_WORDS = (
    r"secret|passwo?r?d|passphrase|token|credential|signature|"
    r"(?:api|access|account|storage|shared|private|encryption|customer|subscription)[_-]?key"
)
SECRET_OPTION = re.compile(rf"(?i){_SECRET_WORDS}|^-*(?:sig|sas|key)$")
"""Matches the names of options, query keys and environment variables that hold secrets."""

HIDDEN = "hidden"

# The second form matches a password that contains an unescaped slash.
_USER_INFO = re.compile(r"""://(?:[^/\s<>"']*@|[^/\s:@<>"']+:[^\s@<>"']*@)""")
# A `;` also separates parameters, and it ends the `&amp;` that separates them in HTML.
_QUERY = re.compile(
    r"""(?i)([?;&][\w.-]*(?:token|secret|password|signature|credential|sig|key)=)"""
    r"""[^&\s<>"']+"""
)
# A library may have chosen a setting's name: each that ends in `_key` is secret, except these.
_SECRET_NAME = re.compile(rf"(?i){_SECRET_WORDS}|_key$|^key$")
_NO_SECRETS = {"split_key", "run_key"}

_NAMED_VALUE = re.compile(r"""([\w.-]+)["']?\s*[=:]\s*\S""")


def hide_credentials(text: str) -> str:
    """Replace the user, password and signing parameters of every URL in a text."""
    return _QUERY.sub(rf"\1{HIDDEN}", _USER_INFO.sub(f"://{HIDDEN}@", text))


def hide_secret_settings(settings: Any) -> Any:
    """Copy settings and hide the value of each key that is named like a secret.

    Args:
        settings: mappings, lists and plain values, nested to any depth.

    Returns:
        The copy. The value under a name such as `api_key` or `password` is `hidden`. Empty values
        stay, so that a reader sees that no secret was set.
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
    """Return whether the value of a setting with this name must be hidden."""
    return name not in _NO_SECRETS and _SECRET_NAME.search(name) is not None


def require_no_secret(address: str, instead: str, user: bool = False) -> str:
    """Check that an address, and any address inside its query, holds no secret.

    Args:
        address: a URL, or a path. A path is never refused.
        instead: where such a secret belongs; part of the message.
        user: whether the address may hold a user name without a password.

    Returns:
        The address.

    Raises:
        ValueError: it holds a secret, or is malformed. The message shows no part of the address.
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
            f"must hold no {what}, token or key: settings are written to files and sent with the "
            f"run; {instead}"
        )
    for _, inner in named:
        require_no_secret(unquote(inner), instead, user)
    return address


def names_a_secret(text: str) -> bool:
    """Return whether a text sets a value with a secret's name, or holds a URL with credentials.

    Args:
        text: for example an option's value, `AccountName=shop;AccountKey=...`.
    """
    if any(SECRET_OPTION.search(match[1]) for match in _NAMED_VALUE.finditer(text)):
        return True
    return _USER_INFO.search(text) is not None


def url_parts(url: str) -> SplitResult:
    """Split a text that may be a URL.

    Raises:
        ValueError: it is malformed, or its port is not valid. The message shows no part of the
            URL, because it may contain a password.
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
