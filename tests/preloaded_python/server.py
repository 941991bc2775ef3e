"""Forks a process with the large libraries already imported, for each command of a client.

Arguments: the path of a Unix socket; the program that replaces Python. Ends when stdin closes.
"""

import array
import atexit
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path

LIBRARIES = (
    *("tensorflow", "keras", "apache_beam", "tfx.v1", "tensorflow_data_validation"),
    *("tensorflow_model_analysis", "mlflow", "sqlalchemy", "matplotlib.pyplot"),
)
"""Their import takes about ten seconds; each process imports our own modules itself."""


@dataclass
class Started:
    """One forked process, and its client."""

    client: socket.socket
    pid: int
    pidfd: int


class Server:
    """Serves one client after the other in a single thread: a fork copies no other thread."""

    def __init__(self, address: str, program: str):
        self._program = program
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen(64)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(0, selectors.EVENT_READ, self._end)
        self._running: list[Started] = []

    def serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                key.data()

    def _end(self) -> None:
        if not os.read(0, 1):
            for process in self._running:
                os.killpg(process.pid, signal.SIGKILL)
            os._exit(0)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        length, ancillary, *_ = client.recvmsg(8, socket.CMSG_SPACE(3 * 4))
        streams = array.array("i")
        for _, _, sent in ancillary:
            streams.frombytes(sent)
        command, environment, folder = json.loads(_exactly(client, int.from_bytes(length, "big")))
        pid = os.fork()
        if not pid:
            self._listener.close()
            for process in self._running:
                process.client.close()
                os.close(process.pidfd)
            client.close()
            become(command, environment, folder, list(streams), self._program)
        for stream in streams:
            os.close(stream)
        process = Started(client, pid, os.pidfd_open(pid))
        self._running.append(process)
        self._selector.register(client, selectors.EVENT_READ, lambda: self._pass_on(process))
        self._selector.register(process.pidfd, selectors.EVENT_READ, lambda: self._reap(process))

    def _pass_on(self, process: Started) -> None:
        """Forward the signals of a client; if a client was killed, kill its process."""
        signals = process.client.recv(16)
        for number in signals:
            os.kill(process.pid, number)
        if not signals:
            self._selector.unregister(process.client)
            os.killpg(process.pid, signal.SIGKILL)

    def _reap(self, process: Started) -> None:
        _, status = os.waitpid(process.pid, 0)
        self._running.remove(process)
        self._selector.unregister(process.pidfd)
        os.close(process.pidfd)
        if process.client in self._selector.get_map():
            self._selector.unregister(process.client)
            code = os.waitstatus_to_exitcode(status)
            process.client.sendall(code.to_bytes(4, "big", signed=True))
        process.client.close()


def become(
    command: list[str], environment: dict[str, str], folder: str, streams: list[int], program: str
) -> None:
    """Turn a forked process into the requested one, and end with its exit code."""
    os.setsid()  # its own group, because the client may have one
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.executable = program
    unbuffered = bool(environment.get("PYTHONUNBUFFERED"))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = io.TextIOWrapper(
            io.BufferedWriter(io.FileIO(number, "w", closefd=False)),
            encoding="utf-8",
            errors="surrogateescape" if number == 1 else "backslashreplace",
            line_buffering=number == 2 or os.isatty(number),
            write_through=unbuffered,
        )
        setattr(sys, name, stream)
    sys.orig_argv = [program, *command]
    sys.argv = ["-m", *command[1:]] if command[0] == "-m" else command  # as at the start
    for added in reversed(environment.get("PYTHONPATH", "").split(os.pathsep)):
        if added:
            sys.path.insert(0, added)
            if (site := Path(added) / "sitecustomize.py").exists():
                runpy.run_path(str(site))
    code = _run(command)
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _run(command: list[str]) -> int:
    kind, *rest = command
    try:
        if kind == "-m":
            sys.argv = rest
            sys.path.insert(0, str(Path.cwd()))
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        elif kind == "-c":
            sys.argv = ["-c", *rest[1:]]
            sys.path.insert(0, "")
            exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
        else:
            sys.argv = command
            sys.path.insert(0, str(Path(kind).parent))
            runpy.run_path(kind, run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, int | None):
            return ended.code or 0
        print(ended.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _exactly(client: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        received += client.recv(size - len(received))
    return received


if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    Server(*sys.argv[1:]).serve()
