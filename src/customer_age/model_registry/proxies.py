"""Name the proxy that is used for a service in errors: the proxy may be the one that fails."""

import os
import urllib.request
from urllib.parse import urlsplit


def proxies() -> dict[str, str]:
    """Return the proxies that the environment sets, by the scheme of the addresses they serve."""
    found = urllib.request.getproxies()
    for_all = found.get("all", "")
    usual = {"http": for_all, "https": for_all} if for_all.startswith("http") else {}
    return usual | {scheme: found[scheme] for scheme in ("http", "https") if found.get(scheme)}


def proxy_hint(address: str) -> str:
    """Return the words about an address's proxy that follow the address in an error.

    Returns:
        The proxy's host and port, without its password, and how to bypass it; empty if there is no
        proxy for the address.
    """
    parts = urlsplit(address)
    proxy = proxies().get(parts.scheme, "")
    if not proxy or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return ""
    host = urlsplit(proxy if "://" in proxy else f"http://{proxy}").netloc.rpartition("@")[2]
    return (
        f" through the proxy {host} from {_variable(parts.scheme)} (set NO_PROXY={parts.hostname} "
        "to bypass it)"
    )


def _variable(scheme: str) -> str:
    upper = f"{scheme}_proxy".upper()
    named = upper in os.environ or upper.lower() in os.environ
    return upper if named else "ALL_PROXY"
