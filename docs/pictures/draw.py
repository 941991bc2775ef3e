"""Draw README's two pictures: a terminal after `make run`, and the report of that run.

Both come from a real run. `make run | tee docs/pictures/run.txt` records what it prints;
`make pictures` then draws `terminal.svg` from that text and `report.png` from the run's report.
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
COLUMNS = 100
WIDTH, HEIGHT = 780, 1240
"""Pixels of the report's picture: its head, the gate and the chart of the age groups."""

MOST_BYTES = 200_000

SHOWN = ("✓", "Published:", "report:")
"""How the lines begin that the picture shows: not the starts of components, nor the epochs."""


def without_folders(text: str) -> str:
    """Remove what differs from machine to machine: the path in front of the work folder."""
    return re.sub(r"(?<![\w./…])/[^\s<>\"']*?/(?=work/demo\b)", "…/", text)


def terminal(printed: str) -> str:
    """Return the SVG of a terminal that shows a run's lines, in the colours that a run gives."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False)
    console.print(Text.assemble(("$", "bold"), " make run"))
    for line in without_folders(printed).splitlines():
        if not line.startswith(SHOWN):
            continue
        row = Text(line)
        row.highlight_regex(r"^✓", "green")
        row.highlight_regex(r"(?<= )(\d+\.\d s|reused)(?=  )", "dim")
        console.print(row)
    return console.export_svg(title="customer-age")


def report(page: Path, picture: Path) -> None:
    """Write a picture of a report's first screen, taken by a headless Chromium."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("draw.py: Chromium is not installed")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "report.html"
        copy.write_text(without_folders(page.read_text(encoding="utf-8")), encoding="utf-8")
        options = ["--headless=new", "--no-sandbox", "--hide-scrollbars"]
        options += [f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{HEIGHT}"]
        options += [f"--screenshot={picture.absolute()}", copy.as_uri()]
        subprocess.run([browser, *options], check=True, capture_output=True, timeout=120)
    if (size := picture.stat().st_size) > MOST_BYTES:
        sys.exit(f"draw.py: {picture} has {size:,} bytes, and at most {MOST_BYTES:,} are allowed")


def main() -> None:
    """Draw both pictures into this folder."""
    arguments = argparse.ArgumentParser(description=main.__doc__)
    arguments.add_argument("work_folder", type=Path, help="of the run, with its report.html")
    work_folder = arguments.parse_args().work_folder
    printed = (HERE / "run.txt").read_text(encoding="utf-8")
    (HERE / "terminal.svg").write_text(terminal(printed), encoding="utf-8")
    report(work_folder / "report.html", HERE / "report.png")


if __name__ == "__main__":
    main()
