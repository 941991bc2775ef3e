"""What a build is lent of this host: certificates, and where Python packages come from.

Lent as volumes of the build, not copied: an address may hold a password, and no layer holds it.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PIP, UV, NETRC = Path("/etc/pip.conf"), Path("/etc/uv/uv.toml"), Path("/root/.netrc")
PLACES = (PIP, UV, NETRC)
"""Where a build finds them; CERTIFICATES are there already."""
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "timeout")


@contextmanager
def lent_files() -> Iterator[dict[Path, Path]]:
    """Give files of this host by the places where a build finds them."""
    with tempfile.TemporaryDirectory() as folder:
        lent = {PIP: Path(folder) / "pip.conf", UV: Path(folder) / "uv.toml"}
        lent[PIP].write_text(_pip_settings())
        lent[UV].write_text(_uv_settings())
        for file in (CERTIFICATES, Path.home() / ".netrc"):
            if file.exists():
                lent[NETRC if file.name == ".netrc" else file] = file.resolve()
        yield lent


def _pip_settings() -> str:
    """The pip settings of this host, from files and from the environment."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    known: dict[str, str] = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        known[name.rpartition(".")[2]] = value.strip("'").replace("\\n", "\n    ")
    lines = [f"{name} = {known[name]}" for name in PIP_SETTINGS if name in known]
    return "\n".join(["[global]", *lines, ""])


def _uv_settings() -> str:
    """The uv settings of this host, with the system's certificates."""
    variables = {"UV_DEFAULT_INDEX": "index-url", "UV_INDEX_URL": "index-url"}
    known = {key: os.environ[name] for name, key in variables.items() if os.environ.get(name)}
    lines = [f'{key} = "{value}"' for key, value in known.items()]
    files = (
        Path(os.environ.get("UV_CONFIG_FILE") or "/nowhere"),
        Path.home() / ".config" / "uv" / "uv.toml",
        Path("/etc/uv/uv.toml"),
    )
    text = next((file.read_text() for file in files if file.is_file()), "")
    if "system-certs" not in text:
        lines.append("system-certs = true")
    return "\n".join([*lines, text])
