"""The generated client's connection to a registry: the version of the API, and no redirects.

The client has one version of the API in its paths: `v1alpha3` up to 0.3.11, and `v1` later. A
server knows one too, and that of Kubeflow 26.03 is `v1alpha3`. What we ask is the same in both.
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
    """The version of the API that a server at an address speaks, once it has answered."""

    def __init__(self, address: str):
        self._address = address
        self._first = VERSIONS[0]

    async def answer(self, send: Send, url: str) -> "RESTResponse":
        """Send a request in the version that the server knows.

        A version that it does not know is an unknown path to it, so nothing is done twice.

        Raises:
            SettingsError: no registry answers there, or it sends us to another address.
        """
        for version in sorted(VERSIONS, key=lambda each: each != self._first):
            answer = await send(_VERSION.sub(version, url, count=1))
            if 300 <= answer.status < 400:
                raise self._sent_on(answer.getheader("Location") or "")
            if _is_from_a_registry(answer.status, await answer.read()):
                self._first = version
                return answer
            if answer.status not in (200, 404):
                return answer  # a proxy: it may ask for a token, or be out of order
        paths = " nor ".join(f"/api/model_registry/{version}" for version in VERSIONS)
        raise SettingsError(
            f"registry.uri: what answers at {self._address} is not a Kubeflow Model Registry; it "
            f"knows neither {paths}"
        )

    def _sent_on(self, location: str) -> SettingsError:
        """The rest of such an address may hold secrets."""
        parts = urlsplit(location)
        there = f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another page"
        return SettingsError(
            f"registry.uri: {self._address} sends us on to {there}, as a page to log in does; name "
            "the address of the registry itself"
        )


class Connections:
    """Clients of one service, which ask in the version that it speaks, and are sent nowhere else.

    A client reads the system's certificates, which takes longer than an answer: only the first one
    does, and the others are its copies.
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
            if pool is not None:  # older packages make it at once
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
    """In place of the client's own, which follows redirects."""

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
            ask = super().call_api
            return await version.answer(lambda at: ask(method, at, *args, **options), url)

    return Client(Configuration(host=address))


def may_use_proxy(address: str, token: str | None) -> bool:
    """Whether a proxy of the environment may see what is asked.

    A token without TLS stays inside the cluster.
    """
    return token is None or address.startswith("https:")


def _is_from_a_registry(status: int, content: bytes) -> bool:
    """It answers in JSON; its errors have a code, which is a text, and a message."""
    try:
        answer = json.loads(content)
    except ValueError:
        return False
    if not isinstance(answer, dict):
        return False
    return status < 300 or (isinstance(answer.get("code"), str) and "message" in answer)
