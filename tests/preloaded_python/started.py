"""Starts a server of preloaded processes; see the README in this folder."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent


@contextlib.contextmanager
def preloaded_python(folder: Path) -> Iterator[Path]:
    """Start a server, and yield the program that replaces Python while it runs."""
    socket, program = folder / "s", folder / "python"
    text = (HERE / "client.py").read_text()
    text = text.replace("@SERVER@", str(socket)).replace("@PYTHON@", sys.executable)
    program.write_text(f"#!{sys.executable} -ISE\n{text}")
    program.chmod(0o755)
    command = [sys.executable, HERE / "server.py", socket, program]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        while not socket.exists():
            assert server.poll() is None, "the server of preloaded processes has ended"
            time.sleep(0.05)
        yield program
    finally:
        assert server.stdin is not None
        server.stdin.close()
        server.wait()
