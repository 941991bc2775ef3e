"""Asking a Kubeflow Model Registry, through its generated client.

The package's own class `ModelRegistry` is not used: it changes how the whole process logs and how
its event loops nest, and it makes a version in steps that a killed publisher would leave visible.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from customer_age.errors import RunError, SettingsError

if TYPE_CHECKING:
    from mr_openapi import ModelRegistryServiceApi
    from mr_openapi.exceptions import ApiException

TOKEN_PATH = "KF_PIPELINES_SA_TOKEN_PATH"
"""The variable that names the file of the token."""

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
"""Where Kubernetes puts a pod's own token."""

_PATIENCE = 60
"""Seconds that an answer may take."""

_PAGE_SIZE = "100"

_T = TypeVar("_T")


class AlreadyThere(RunError):
    """The service has one of that name."""


class KubeflowService:
    """A Kubeflow Model Registry at an address such as `http://host:8080`."""

    def __init__(self, address: str):
        self._address = address

    def ask(self, request: "Callable[[ModelRegistryServiceApi], Awaitable[_T]]") -> _T:
        """Ask one thing, or some that belong together, and wait for the answer.

        In a thread of its own: whoever calls may have an event loop already, as notebooks do.

        Raises:
            AlreadyThere: the service refuses a second one of that name.
            RunError: the service refuses.
            SettingsError: it cannot be reached, or not without a token.
        """
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, self._answer(request)).result()

    async def _answer(self, request: "Callable[[ModelRegistryServiceApi], Awaitable[_T]]") -> _T:
        try:
            from mr_openapi import ApiClient, Configuration, ModelRegistryServiceApi
        except ImportError:
            raise SettingsError("registry.uri: install customer-age[kubeflow-registry]") from None
        from aiohttp import ClientConnectorError, ClientError
        from mr_openapi.exceptions import ApiException

        configuration = Configuration(host=self._address, access_token=_token())
        try:
            async with ApiClient(configuration) as client:
                return await asyncio.wait_for(request(ModelRegistryServiceApi(client)), _PATIENCE)
        except (ClientConnectorError, asyncio.TimeoutError) as error:
            reason = getattr(error, "strerror", None) or f"nothing within {_PATIENCE} seconds"
            raise SettingsError(
                f"registry.uri: no Kubeflow Model Registry answers at {self._address} ({reason})"
            ) from error
        except ApiException as error:
            raise self._refusal(error) from error
        except (ClientError, ValueError) as error:  # what answers is no model registry
            raise RunError(f"the model registry failed: {_one_line(error)}") from error

    def _refusal(self, error: "ApiException") -> RunError:
        words = _one_line(error.data.message if error.data else error.body or error.reason)
        if error.status in (401, 403):
            return SettingsError(
                f"registry.uri: {self._address} does not let us in ({words}); {TOKEN_PATH} in the "
                "environment names the file that holds a token"
            )
        if error.status == 404 and not error.data:
            return SettingsError(
                f"registry.uri: {self._address} does not know the requests of the installed "
                "package model-registry; install the one of the server's version"
            )
        failure = f"the model registry failed: {words}"
        taken = error.status == 409 or (error.status == 400 and "already exists" in words)
        return AlreadyThere(failure) if taken else RunError(failure)


async def listed(request: Callable[..., Awaitable[Any]], *of: str) -> list[Any]:
    """Ask for a list, page by page.

    Args:
        request: the client's method.
        of: its first arguments, such as the id of what the list belongs to.
    """
    found: list[Any] = []
    query = {"page_size": _PAGE_SIZE}
    while True:
        page = await request(*of, **query)
        found += page.items or []
        if not page.next_page_token:
            return found
        query["next_page_token"] = page.next_page_token


def _token() -> str | None:
    """The token, if there is one, from where the client's own class `ModelRegistry` takes it."""
    named = os.environ.get(TOKEN_PATH)
    try:
        return (Path(named) if named else _SERVICE_ACCOUNT).read_text().strip()
    except OSError as error:
        if not named:
            return None  # not in a pod, and the service may ask for none
        raise SettingsError(f"{TOKEN_PATH}: {named} cannot be read ({error.strerror})") from error


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:500]
