"""Signals to a process whose main thread is busy, as in a step of TensorFlow."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, subprocess, sys, time
from customer_age.pipeline.running import ending, interruption

def in_native_code():
    mutex, libc = ctypes.create_string_buffer(64), ctypes.CDLL(None)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)  # it is locked: no signal ends this

def describing(error):
    yield f"stopped by {type(error).__name__}"
    yield "report: there"

def slowly(error):
    time.sleep(60)
    yield "too late"

def breaking(error):
    raise ValueError("no report")

def hearing():
    try:
        time.sleep(60)
    except KeyboardInterrupt as error:
        interruption.leave_to_main_thread()
        time.sleep(ending.REACTION_SECONDS + 0.5)
        stopped = interruption.interrupted(error)
        print("main:", stopped, file=sys.stderr)
        ending.end(stopped.exit_code)

child = subprocess.Popen(["sleep", "61"])
print(child.pid, flush=True)
with interruption.as_exceptions():
    if sys.argv[1] == "hearing":
        hearing()
    elif sys.argv[1] == "plain":
        in_native_code()
    else:
        with interruption.ends_with(globals()[sys.argv[1]]):
            in_native_code()
"""


class Stopped:
    """A process that received signals, and how it ended."""

    def __init__(self, how, *signals):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, how],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.child = int(process.stdout.readline())
        time.sleep(0.3)
        started = time.monotonic()
        for number in signals:
            process.send_signal(number)
            time.sleep(0.2)
        _, self.output = process.communicate(timeout=20)
        self.seconds = time.monotonic() - started
        self.exit_code = process.returncode


def _has_ended(process):
    stat, deadline = Path(f"/proc/{process}/stat"), time.monotonic() + 2
    while stat.exists() and " Z " not in stat.read_text():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    ("how", "by", "output", "exit_code"),
    [
        ("plain", signal.SIGTERM, "customer-age: interrupted by SIGTERM\n", 143),
        ("plain", signal.SIGINT, "customer-age: interrupted by Ctrl-C\n", 130),
        ("describing", signal.SIGTERM, "stopped by Terminated\nreport: there\n", 143),
        ("slowly", signal.SIGTERM, "customer-age: interrupted by SIGTERM\n", 143),
    ],
)
def test_a_busy_main_thread_does_not_delay_the_end(how, by, output, exit_code):
    stopped = Stopped(how, by)
    assert (stopped.exit_code, stopped.output) == (exit_code, output)
    assert stopped.seconds < 5
    assert _has_ended(stopped.child)


def test_the_line_is_printed_even_if_the_report_fails():
    stopped = Stopped("breaking", signal.SIGTERM)
    assert stopped.exit_code == 143
    assert stopped.output.splitlines()[-1] == "customer-age: interrupted by SIGTERM"


@pytest.mark.parametrize("how", ["plain", "describing", "hearing"])
def test_a_second_signal_ends_it_at_once(how):
    stopped = Stopped(how, signal.SIGTERM, signal.SIGTERM)
    assert stopped.exit_code == 143
    assert stopped.seconds < 1
    assert _has_ended(stopped.child)


def test_a_main_thread_that_notices_the_signal_describes_the_end():
    stopped = Stopped("hearing", signal.SIGTERM)
    assert (stopped.exit_code, stopped.output) == (143, "main: interrupted by SIGTERM\n")
    assert _has_ended(stopped.child)
