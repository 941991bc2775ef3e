"""Connect the generated client to a registry: find the API version, and refuse redirects.

The client's paths contain one version of the API: `v1alpha3` up to 0.3.11, and `v1` later. A server
supports one version, in Kubeflow 26.03 `v1alpha3`. Our requests are the same in both.
"""

import copy
import json
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from customer_age.errors import SettingsError

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from mr_openapi import ApiClient
    from mr_openapi.rest import RESTResponse

VERSIONS = ("v1", "v1alpha3")

_VERSION = re.compile(r"(?<=/api/model_registry/)v\w+(?=/)")

Send = Callable[[str], Awaitable["RESTResponse"]]


class ApiVersion:
    """The version of the API that a server supports; it is known after the first answer."""

    def __init__(self, address: str):
        self._address = address
        self._first = VERSIONS[0]

    async def answer(self, send: Send, url: str) -> "RESTResponse":
        """Send a request in the version that the server supports.

        Another version is an unknown path for the server, so no request is executed twice.

        Raises:
            SettingsError: no registry answers, or the answer is a redirect to another address.
        """
        for version in sorted(VERSIONS, key=lambda each: each != self._first):
            answer = await send(_VERSION.sub(version, url, count=1))
            if 300 <= answer.status < 400:
                raise self._redirected(answer.getheader("Location") or "")
            if _is_from_a_registry(answer.status, await answer.read()):
                self._first = version
                return answer
            if answer.status not in (200, 404):
                return answer  # from a proxy or gateway: it may require a token, or fail
        paths = " nor ".join(f"/api/model_registry/{version}" for version in VERSIONS)
        raise SettingsError(
            f"registry.uri: the server at {self._address} is not a Kubeflow Model Registry; it has "
            f"neither {paths}"
        )

    def _redirected(self, location: str) -> SettingsError:
        """Return the error for a redirect; it shows only the host, as the rest may hold secrets."""
        parts = urlsplit(location)
        there = f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another page"
        return SettingsError(
            f"registry.uri: {self._address} redirects to {there}, perhaps to a login page; set the "
            "address of the registry itself"
        )


class Connections:
    """Opens clients of one service, which use its API version and follow no redirects.

    A client reads the system's certificates, which takes longer than an answer. So only the first
    client reads them, and the others are its copies.
    """

    def __init__(self, address: str):
        """Construct for an address such as `http://host:8080`; nothing is opened yet."""
        self._address = address
        self._version = ApiVersion(address)
        self._first: ApiClient | None = None

    async def open(self, token: str | None) -> "ApiClient":
        """Open a client for the running event loop, with a token or without one."""
        from aiohttp import ClientSession, TCPConnector
        from mr_openapi import Configuration

        if self._first is None:
            self._first = _client(self._version, self._address)
            pool = self._first.rest_client.pool_manager
            if pool is not None:  # older packages create it at once
                await pool.close()
        client = copy.copy(self._first)
        client.configuration = Configuration(host=self._address, access_token=token)
        client.default_headers = dict(client.default_headers)
        client.rest_client = rest = copy.copy(client.rest_client)
        connector = TCPConnector(limit=rest.maxsize or 0, ssl=rest.ssl_context)
        by_proxy = may_use_proxy(self._address, token)
        rest.pool_manager = _Session(ClientSession(connector=connector, trust_env=by_proxy))
        return client


class _Session:
    """Replaces the client's own session, which follows redirects."""

    def __init__(self, session: "ClientSession"):
        self._session = session

    async def request(self, **request: Any) -> Any:
        return await self._session.request(**request, allow_redirects=False)

    async def close(self) -> None:
        await self._session.close()


def _client(version: ApiVersion, address: str) -> "ApiClient":
    from mr_openapi import ApiClient, Configuration

    class Client(ApiClient):
        async def call_api(self, method: str, url: str, *args: Any, **options: Any) -> Any:
            send = super().call_api
            return await version.answer(lambda at: send(method, at, *args, **options), url)

    return Client(Configuration(host=address))


def may_use_proxy(address: str, token: str | None) -> bool:
    """Return whether requests may go through the environment's proxy.

    A token that is sent without TLS must stay inside the cluster.
    """
    return token is None or address.startswith("https:")


def _is_from_a_registry(status: int, content: bytes) -> bool:
    """Return whether a registry answered: in JSON, and errors have a text `code` and a message."""
    try:
        answer = json.loads(content)
    except ValueError:
        return False
    if not isinstance(answer, dict):
        return False
    return status < 300 or (isinstance(answer.get("code"), str) and "message" in answer)
