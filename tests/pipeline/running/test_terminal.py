"""The output of a run on a real terminal: a pty, and an emulator of the screen."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pyte
import pytest

LINES = 24

SUMMARY = "ResNet50 from none, best epoch 2: valid MAE 6.70 years, on 2 CPU cores in float32"

RUN = f"""
import sys, time
from customer_age.pipeline.running.run_progress import RunProgress

with RunProgress(sys.stdout) as progress:
    progress.say("log: work/logs/2026-11-27T18-26-42.log", style="dim")
    progress.started("PhotoExampleGen")
    progress.ended("PhotoExampleGen", 10.94, "2,000 photos (1,619 train, 209 valid, 172 test)")
    progress.started("DataGate")
    progress.ended("DataGate", None, "the data passed [in brackets]")
    progress.started("Trainer")
    for step in range(2):
        progress.advanced(step + 1, 3, "whole network, epoch 1 of 2, MAE 14.83")
        time.sleep(1.5)  # the bar is drawn ten times per second, by another thread
    progress.note("whole network, epoch 1 of 2: MAE 14.83, valid 12.07 years")
    progress.ended("Trainer", 1171.0, {SUMMARY!r})
    progress.started("Evaluator")
    progress.failed("Evaluator")
"""


def _play(columns: int, **environment: str) -> tuple[list[str], list[str], bytes]:
    """Return the lines of the last screen, all lines that were ever shown, and the bytes."""
    terminal, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")
    }
    child = subprocess.Popen(
        [sys.executable, "-c", RUN],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env={**inherited, "TERM": "xterm-256color", **environment},
    )
    os.close(inner)
    screen = pyte.Screen(columns, LINES)
    stream, shown, sent = pyte.ByteStream(screen), [], b""
    while part := _read(terminal):
        sent += part
        stream.feed(part)
        shown += screen.display
    os.close(terminal)
    assert child.wait() == 0
    return [line.rstrip() for line in screen.display if line.strip()], shown, sent


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # on Linux: the other end is closed
        return b""


@pytest.mark.parametrize("columns", [60, 80, 100, 160])
def test_each_finished_component_keeps_its_tick_its_name_and_its_time(columns):
    last, shown, _ = _play(columns)
    ticked = [line for line in last if line.startswith(("✓", "✗"))]
    assert [line[:29].split() for line in ticked] == [
        ["✓", "PhotoExampleGen", "10.9", "s"],
        ["✓", "DataGate", "reused"],
        ["✓", "Trainer", "1171.0", "s"],
        ["✗", "Evaluator"],
    ]
    # A long summary is wrapped below itself, never below the name.
    lines = iter(last[last.index(ticked[2]) + 1 : -1])
    words = [ticked[2][30:], *(line[30:] for line in lines)]
    assert " ".join(words) == SUMMARY
    assert all(line[:30].strip() == "" for line in last if line[0] == " ")
    assert any("Trainer" in line and "━" in line for line in shown), "no bar in training"
    assert not any("━" in line for line in last), "the bar stays"
    if columns >= 80:
        assert any("whole network, epoch 1 of 2, MAE 14.83" in line for line in shown)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colours_gets_none(environment):
    last, _, sent = _play(80, **environment)
    assert not any(b"\x1b[3%d" % colour in sent for colour in range(8))
    assert sum(line.startswith("✓") for line in last) == 3
