"""Call a Kubeflow Model Registry through its generated client.

The package's own class `ModelRegistry` is not used. It changes the logging and the event loops of
the whole process, and it creates a version in several steps: a killed publisher would leave an
incomplete version that others see.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from customer_age.errors import RunError, SettingsError

from ..proxies import proxy_hint
from .connection import Connections, may_use_proxy
from .token import TOKEN_HINT, token_for

if TYPE_CHECKING:
    from mr_openapi import ModelRegistryServiceApi
    from mr_openapi.exceptions import ApiException

_PATIENCE = 60
"""The longest time for an answer, in seconds."""

_PAGE_SIZE = "100"

_T = TypeVar("_T")


class AlreadyExists(RunError):
    """The name is taken in the service."""


class KubeflowService:
    """A Kubeflow Model Registry at an address such as `http://host:8080`."""

    def __init__(self, address: str):
        self._address = address
        self._connections = Connections(address)

    def call(self, request: "Callable[[ModelRegistryServiceApi], Awaitable[_T]]") -> _T:
        """Send one request, or several that belong together, and wait for the answer.

        The request runs in a thread of its own, because the caller may have an event loop, as in
        notebooks.

        Raises:
            AlreadyExists: the name is taken.
            RunError: the service refuses the request.
            SettingsError: the service cannot be reached, requires a token, or is not a registry.
        """
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, self._answer(request)).result()

    async def _answer(self, request: "Callable[[ModelRegistryServiceApi], Awaitable[_T]]") -> _T:
        try:
            from mr_openapi import ModelRegistryServiceApi
        except ImportError:
            raise SettingsError("registry.uri: install customer-age[kubeflow-registry]") from None
        from aiohttp import ClientConnectorError, ClientError
        from mr_openapi.exceptions import ApiException

        token = token_for(self._address)
        try:
            async with await self._connections.open(token) as client:
                return await asyncio.wait_for(request(ModelRegistryServiceApi(client)), _PATIENCE)
        except (ClientConnectorError, asyncio.TimeoutError) as error:
            reason = getattr(error, "strerror", None) or f"no answer within {_PATIENCE} seconds"
            proxy = proxy_hint(self._address) if may_use_proxy(self._address, token) else ""
            raise SettingsError(
                f"registry.uri: no Kubeflow Model Registry answers at {self._address}{proxy}: "
                f"{reason}"
            ) from error
        except ApiException as error:
            raise self._refusal(error) from error
        except (ClientError, ValueError) as error:  # the answer is not a model registry's
            raise RunError(f"the model registry failed: {_one_line(error)}") from error

    def _refusal(self, error: "ApiException") -> RunError:
        words = _one_line(_message(error))
        if error.status in (401, 403):
            return SettingsError(
                f"registry.uri: access denied by {self._address} ({words}); {TOKEN_HINT}"
            )
        failure = f"the model registry failed: {words}"
        taken = error.status == 409 or (error.status == 400 and "already exists" in words)
        return AlreadyExists(failure) if taken else RunError(failure)


def _message(error: "ApiException") -> str:
    """Return the service's message, or the reason or status if the answer is not the service's."""
    if error.data:
        return error.data.message
    try:
        return json.loads(error.body or "")["message"]  # older packages do not parse it
    except (ValueError, KeyError, TypeError):
        return error.reason or f"status {error.status}"


async def listed(request: Callable[..., Awaitable[Any]], *of: str) -> list[Any]:
    """Read a list page by page.

    Args:
        request: the client's method.
        of: its first arguments, for example the id of the list's owner.
    """
    found: list[Any] = []
    query = {"page_size": _PAGE_SIZE}
    while True:
        page = await request(*of, **query)
        found += page.items or []
        if not page.next_page_token:
            return found
        query["next_page_token"] = page.next_page_token


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:500]
