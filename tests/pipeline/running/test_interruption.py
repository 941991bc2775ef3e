"""Signals to a process whose main thread is busy, as in a step of TensorFlow."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from customer_age.pipeline.running import ending

PROGRAM = """
import ctypes, subprocess, sys, time
from customer_age.pipeline.running import ending, interruption

def in_native_code():
    mutex, libc = ctypes.create_string_buffer(64), ctypes.CDLL(None)
    libc.pthread_mutex_lock(mutex)
    print(child.pid, flush=True)
    libc.pthread_mutex_lock(mutex)  # it is locked: no signal ends this

def describing(error):
    yield f"stopped by {type(error).__name__}"
    yield "report: there"

def slowly(error):
    time.sleep(60)
    yield "too late"

def breaking(error):
    raise ValueError("no report")

def hearing(seconds):
    try:
        print(child.pid, flush=True)
        time.sleep(60)
    except KeyboardInterrupt as error:
        interruption.leave_to_main_thread()
        time.sleep(seconds)
        stopped = interruption.interrupted(error)
        print("main:", stopped, file=sys.stderr)
        ending.end(stopped.exit_code)

child = subprocess.Popen(["sleep", "300"])
with interruption.as_exceptions():
    if sys.argv[1] == "hearing":
        hearing(ending.REACTION_SECONDS + 0.5)
    elif sys.argv[1] == "hearing, then busy":
        hearing(300)
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
        try:
            self.child = int(process.stdout.readline())
            time.sleep(0.3)
            started = time.monotonic()
            for number in signals:
                process.send_signal(number)
                time.sleep(0.2)
            _, self.output = process.communicate(timeout=60)
        finally:
            process.kill()  # nothing else ends native code
        self.seconds = time.monotonic() - started
        self.exit_code = process.returncode


def _has_ended(process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if " Z " in Path(f"/proc/{process}/stat").read_text():
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


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
    assert stopped.seconds < 30, "neither the main thread nor the words are waited for"
    assert _has_ended(stopped.child)


def test_the_longest_time_to_the_end_is_below_the_documented_one():
    """A test that measures it would fail on a busy machine."""
    assert ending.SECONDS < 5


def test_the_line_is_printed_even_if_the_report_fails():
    stopped = Stopped("breaking", signal.SIGTERM)
    assert stopped.exit_code == 143
    assert stopped.output.splitlines()[-1] == "customer-age: interrupted by SIGTERM"


@pytest.mark.parametrize("how", ["plain", "describing", "hearing, then busy"])
def test_a_second_signal_ends_it_at_once(how):
    """Before anything is printed, which begins a second after the first signal."""
    stopped = Stopped(how, signal.SIGTERM, signal.SIGTERM)
    assert (stopped.exit_code, stopped.output) == (143, "")
    assert _has_ended(stopped.child)


def test_a_main_thread_that_notices_the_signal_describes_the_end():
    stopped = Stopped("hearing", signal.SIGTERM)
    assert (stopped.exit_code, stopped.output) == (143, "main: interrupted by SIGTERM\n")
    assert _has_ended(stopped.child)
