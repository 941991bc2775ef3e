"""The two ports: REST on uvicorn, gRPC on gRPC's own server; both stop on request."""

import logging
import socket
import threading

import uvicorn
from starlette.applications import Starlette

from customer_age.errors import SettingsError

from . import grpc_service
from .inference import Inference

_KEEP_ALIVE_SECONDS = 75
"""Longer than gateways keep an idle connection (60 s), so that the gateway is who closes it."""


def log_no_requests() -> None:
    """Keep the servers from writing of requests: a path may say who is on a photo."""
    for name in ("uvicorn", "grpc"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


class RestListener:
    """A port that speaks HTTP, in a thread of its own."""

    def __init__(self, app: Starlette, host: str, port: int, grace_seconds: float) -> None:
        """Take the port; connections wait until `start`.

        Args:
            app: what answers.
            host: an address of this machine.
            port: 0 for any that is free.
            grace_seconds: for requests that are being answered when it stops.

        Raises:
            SettingsError: the port cannot be had.
        """
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.create_server((host, port), family=family)
        except OSError as error:
            raise _no_port("--port", host, port, error.strerror or str(error)) from error
        # Connections inherit it. Without it an answer's body waits 40 ms behind its header, for the
        # caller's delayed acknowledgement; asyncio sets it only where a socket names its protocol.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=max(1, round(grace_seconds)),
            )
        )
        self._thread = threading.Thread(target=self._run, name="rest", daemon=True)

    def start(self) -> None:
        """Answer requests."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections; those that are idle are closed."""
        self._server.should_exit = True

    def wait(self, seconds: float) -> None:
        """Wait for the last answer."""
        self._thread.join(seconds)

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])


class GrpcListener:
    """A port that speaks gRPC."""

    def __init__(self, inference: Inference, host: str, port: int) -> None:
        """Take the port.

        Args:
            inference: what answers.
            host: an address of this machine.
            port: 0 for any that is free.

        Raises:
            SettingsError: the port cannot be had.
        """
        self._server = grpc_service.server(inference)
        self._stopped: threading.Event | None = None
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self.port: int = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise _no_port("--grpc-port", host, port, "not free, or not an address here") from error
        if not self.port:
            raise _no_port("--grpc-port", host, port, "not free, or not an address here")

    def start(self) -> None:
        """Answer requests."""
        self._server.start()

    def stop(self, grace_seconds: float) -> None:
        """Take no more requests; those that are being answered have so long."""
        self._stopped = self._server.stop(grace_seconds)

    def wait(self, seconds: float) -> None:
        """Wait for the last answer."""
        if self._stopped is not None:
            self._stopped.wait(seconds)


def _no_port(option: str, host: str, port: int, reason: str) -> SettingsError:
    return SettingsError(f"{option} {port}: cannot be listened on at {host} ({reason})")
