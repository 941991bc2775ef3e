"""The Open Inference Protocol over REST, and the metrics."""

import asyncio
import importlib.metadata
import json
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import click
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from . import serving_metrics
from .inference import PLATFORM, SERVER, Inference
from .inference_request import BYTES, INPUT, OUTPUTS, InferenceRefused, Problem, too_large
from .json_tensors import BINARY_EXTENSION, JSON_LENGTH_HEADER, JsonRequest

BODY_SECONDS = 30
"""How long the transfer of a request's body may take."""

_STATUS = {
    Problem.INVALID: HTTPStatus.BAD_REQUEST,
    Problem.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Problem.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Problem.UNSUPPORTED: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Problem.TOO_SLOW: HTTPStatus.REQUEST_TIMEOUT,
    Problem.OVERDUE: HTTPStatus.GATEWAY_TIMEOUT,
    Problem.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    Problem.NOT_READY: HTTPStatus.SERVICE_UNAVAILABLE,
    Problem.FAILED: HTTPStatus.INTERNAL_SERVER_ERROR,
}

_Endpoint = Callable[[Request], Awaitable[Response]]


def application(inference: Inference) -> Starlette:
    """Return the application with all endpoints."""
    endpoints = _Endpoints(inference)
    model = "/v2/models/{name}"
    routes = [
        Route("/v2", _described(endpoints.server), methods=["GET"]),
        Route("/v2/health/live", _described(endpoints.live), methods=["GET"]),
        Route("/v2/health/ready", _described(endpoints.ready), methods=["GET"]),
        Route("/metrics", endpoints.metrics, methods=["GET"]),
    ]
    for path in (model, f"{model}/versions/{{version}}"):
        routes += [
            Route(path, _described(endpoints.model), methods=["GET"]),
            Route(f"{path}/ready", _described(endpoints.model_ready), methods=["GET"]),
            Route(f"{path}/infer", endpoints.infer, methods=["POST"]),
        ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _of_no_endpoint})
    app.router.redirect_slashes = False
    return app


class _Endpoints:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        # Decoding base64 would block the event loop for too long.
        self._threads = ThreadPoolExecutor(inference.limits.requests, thread_name_prefix="rest")

    async def live(self, _: Request) -> Response:
        return _json({"live": True})

    async def ready(self, _: Request) -> Response:
        ready = self._inference.ready
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _json({"ready": ready}, status)

    async def server(self, _: Request) -> Response:
        version = importlib.metadata.version(SERVER)
        return _json({"name": SERVER, "version": version, "extensions": [BINARY_EXTENSION]})

    async def model(self, request: Request) -> Response:
        version = self._version(request)
        tensors = {"inputs": {INPUT: BYTES}, "outputs": OUTPUTS}
        described = {
            side: [
                {"name": name, "datatype": datatype, "shape": [-1]}
                for name, datatype in named.items()
            ]
            for side, named in tensors.items()
        }
        name = self._inference.model_name
        return _json({"name": name, "versions": [version], "platform": PLATFORM, **described})

    async def model_ready(self, request: Request) -> Response:
        self._version(request)
        ready = self._inference.ready
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _json({"name": self._inference.model_name, "ready": ready}, status)

    async def metrics(self, _: Request) -> Response:
        text = self._inference.metrics.text()
        return Response(text, media_type=serving_metrics.CONTENT_TYPE)

    async def infer(self, request: Request) -> Response:
        with self._inference.metrics.request("rest") as outcome:
            response = await _described(self._infer)(request)
            outcome.code = str(response.status_code)
            return response

    async def _infer(self, request: Request) -> Response:
        version = self._version(request)
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise InferenceRefused(Problem.UNSUPPORTED, "the body must not be compressed")
        with self._inference.admitted():
            body = await self._body(request)
            json_length = request.headers.get(JSON_LENGTH_HEADER)
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._answer, body, json_length, version
            )

    def _answer(self, body: bytes, json_length: str | None, version: str) -> Response:
        limits, name = self._inference.limits, self._inference.model_name
        received = JsonRequest(body, json_length, limits)
        answers = self._inference.answers(received.request.photos)
        content, length = received.answer(answers, name, version)
        if length is None:
            return Response(content, media_type="application/json")
        headers = {JSON_LENGTH_HEADER: str(length)}
        return Response(content, headers=headers, media_type="application/octet-stream")

    async def _body(self, request: Request) -> bytes:
        """Return the body; read one that is too long to its end, so that its sender gets an answer.

        Raises:
            InferenceRefused: the body is too long or too slow.
        """
        most = self._inference.limits.request_bytes
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for part in request.stream():
                    size += len(part)
                    if size <= most:
                        parts.append(part)
                    else:
                        parts.clear()
        except TimeoutError:
            sentence = f"the body was not received within {BODY_SECONDS} s"
            raise InferenceRefused(Problem.TOO_SLOW, sentence) from None
        if size > most:
            raise too_large(f"a request may have {most} bytes")
        return b"".join(parts)

    def _version(self, request: Request) -> str:
        parameters = request.path_params
        return self._inference.version(parameters["name"], parameters.get("version", ""))


def _described(endpoint: _Endpoint) -> _Endpoint:
    """Let an endpoint return each exception in the protocol's form."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except InferenceRefused as refused:
            headers = {"Retry-After": "1"} if refused.problem is Problem.BUSY else {}
            return _json({"error": refused.sentence}, _STATUS[refused.problem], headers)
        except ClientDisconnect:
            return _json({"error": "the body is cut off"}, HTTPStatus.BAD_REQUEST)
        except Exception as error:
            # The error's text may contain the request's data.
            click.echo(f"a request failed: {type(error).__name__}", err=True)
            sentence = "internal error of the server"
            return _json({"error": sentence}, HTTPStatus.INTERNAL_SERVER_ERROR)

    return answer


async def _of_no_endpoint(_: Request, error: Exception) -> Response:
    """Answer a wrong path or method."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    return _json({"error": status.phrase}, status, error.headers or {})


def _json(
    content: object, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    text = json.dumps(content)
    return Response(text, status, headers=headers, media_type="application/json")
