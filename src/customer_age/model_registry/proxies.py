"""The proxy that stands between us and a service: it may be what does not answer."""

import os
import urllib.request
from urllib.parse import urlsplit


def proxies() -> dict[str, str]:
    """The proxies of the environment, by the scheme of what is asked through them."""
    found = urllib.request.getproxies()
    for_all = found.get("all", "")
    usual = {"http": for_all, "https": for_all} if for_all.startswith("http") else {}
    return usual | {scheme: found[scheme] for scheme in ("http", "https") if found.get(scheme)}


def through(address: str) -> str:
    """Name the proxy that an address is asked through, to stand behind the address.

    Returns:
        The proxy's host and port, without its password, and how to go without it; empty where
        the address is asked directly.
    """
    parts = urlsplit(address)
    proxy = proxies().get(parts.scheme, "")
    if not proxy or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return ""
    host = urlsplit(proxy if "://" in proxy else f"http://{proxy}").netloc.rpartition("@")[2]
    return (
        f" through the proxy {host} of {_variable(parts.scheme)} (NO_PROXY={parts.hostname} asks "
        "directly)"
    )


def _variable(scheme: str) -> str:
    upper = f"{scheme}_proxy".upper()
    named = upper in os.environ or upper.lower() in os.environ
    return upper if named else "ALL_PROXY"
