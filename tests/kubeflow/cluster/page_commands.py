"""The commands with kubectl that a page shows, and how they are run as written."""

import os
import re
import subprocess
from pathlib import Path

from api_server import ApiServer

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [
        *("README.md", "kubeflow/README.md", "kubeflow/manifests/serving/README.md"),
        *(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md")),
    ]
)
_FENCE = re.compile(r"```\w*\n(.+?)```", re.DOTALL)


def commands(page: str) -> list[str]:
    """Each line with kubectl, with its here-document; then those within the text."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = [line for block in _FENCE.findall(text) for line in _lines(block)]
    inline = re.findall(r"`(kubectl [^`\n]+)`", _FENCE.sub("", text))
    return [line for line in shown if re.search(r"\bkubectl\b", line)] + inline


def command(page: str, fragment: str) -> str:
    """The one command of a page that holds a fragment."""
    found = [line for line in commands(page) if fragment in line]
    assert len(found) == 1, f"{page}: {fragment!r} is in {found}"
    return found[0]


def _lines(block: str) -> list[str]:
    return re.findall(r"^.*<<'END'\n(?:.*\n)+?END$|^.+$", block, re.MULTILINE)


def exported(page: str) -> dict[str, str]:
    """What the page has one export."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = re.findall(r"^export (.+)$", text, re.MULTILINE)
    return {name: value for line in lines for name, value in re.findall(r"(\w+)=(\S+)", line)}


def environment(server: ApiServer, variables: dict[str, str]) -> dict[str, str]:
    """The administrator's environment, in which kubectl finds the server."""
    return os.environ | {"KUBECONFIG": str(server.kubeconfig)} | variables


def run(
    line: str, server: ApiServer, folder: Path, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a line as a person does who copies it."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=folder,
        env=environment(server, variables),
        capture_output=True,
        text=True,
        check=False,
    )
