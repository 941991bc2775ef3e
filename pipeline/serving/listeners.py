"""The two ports: REST on uvicorn, gRPC on gRPC's own server; each can be stopped."""

import logging
import socket
import threading

import uvicorn
from starlette.applications import Starlette

from customer_age.errors import SettingsError

from . import grpc_service
from .inference import Inference

_KEEP_ALIVE_SECONDS = 75
"""Longer than gateways keep an idle connection (60 s), so that the gateway closes it."""

_UNAVAILABLE = "not free, or not an address of this machine"
"""The reason for gRPC, which reports none."""


def log_no_requests() -> None:
    """Prevent the servers from logging requests: a path may identify the person on a photo."""
    for name in ("uvicorn", "grpc"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


class RestListener:
    """An HTTP port, served in a separate thread."""

    def __init__(self, app: Starlette, host: str, port: int, grace_seconds: float) -> None:
        """Open the port; connections wait until `start`.

        Args:
            app: the application that answers.
            host: an address of this machine.
            port: the port; 0 for any free port.
            grace_seconds: how long requests in progress may take after `stop`.

        Raises:
            SettingsError: the port cannot be opened.
        """
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.create_server((host, port), family=family)
        except OSError as error:
            raise _no_port("--port", host, port, error.strerror or str(error)) from error
        # Connections inherit this option. Without it, an answer's body waits 40 ms for the caller's
        # delayed acknowledgement; asyncio sets it only if a socket names its protocol.
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
        """Start to answer requests."""
        self._thread.start()

    def stop(self) -> None:
        """Accept no new connections, and close idle ones."""
        self._server.should_exit = True

    def wait(self, seconds: float) -> None:
        """Wait for the last answer, at most for this many seconds."""
        self._thread.join(seconds)

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])


class GrpcListener:
    """A gRPC port."""

    def __init__(self, inference: Inference, host: str, port: int) -> None:
        """Open the port.

        Args:
            inference: answers the requests.
            host: an address of this machine.
            port: the port; 0 for any free port.

        Raises:
            SettingsError: the port cannot be opened.
        """
        self._server = grpc_service.server(inference)
        self._stopped: threading.Event | None = None
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self.port: int = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise _no_port("--grpc-port", host, port, _UNAVAILABLE) from error
        if not self.port:
            raise _no_port("--grpc-port", host, port, _UNAVAILABLE)

    def start(self) -> None:
        """Start to answer requests."""
        self._server.start()

    def stop(self, grace_seconds: float) -> None:
        """Accept no new requests; those in progress may take this many seconds."""
        self._stopped = self._server.stop(grace_seconds)

    def wait(self, seconds: float) -> None:
        """Wait for the last answer, at most for this many seconds."""
        if self._stopped is not None:
            self._stopped.wait(seconds)


def _no_port(option: str, host: str, port: int, reason: str) -> SettingsError:
    return SettingsError(f"{option} {port}: cannot listen on this port at {host} ({reason})")
