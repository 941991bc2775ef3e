import logging
import subprocess
import sys
from pathlib import Path

from customer_age.pipeline.running import log

NOISY = """
import logging, os, pathlib, sys, warnings
from customer_age.pipeline import run_log

with run_log.redirected(pathlib.Path(sys.argv[1])) as screen:
    print("from Python")
    sys.stdout.flush()
    os.write(1, b"from native code\\n")
    os.write(2, b"an error from native code\\n")
    logging.getLogger("library").info("from a logger")
    warnings.warn("a warning")
    screen.write("for the person\\n")
print("after the run")
"""


def test_everything_goes_to_the_file_and_the_screen_stays_ours(tmp_path):
    log_file = tmp_path / "run.log"
    done = subprocess.run(
        [sys.executable, "-c", NOISY, log_file], capture_output=True, text=True, check=True
    )
    assert done.stdout == "for the person\nafter the run\n"
    assert done.stderr == ""
    logged = log_file.read_text()
    for text in (
        "from Python",
        "from native code",
        "an error from native code",
        "I library: from a logger",
        "a warning",
    ):
        assert text in logged


def test_the_process_is_left_as_it_was(tmp_path):
    root = logging.getLogger()
    before = root.level, list(root.handlers), len(list(Path("/proc/self/fd").iterdir()))
    with log.redirected(tmp_path / "run.log"):
        pass
    assert (root.level, list(root.handlers), len(list(Path("/proc/self/fd").iterdir()))) == before


def test_libraries_are_imported_without_a_word():
    program = (
        "from customer_age.pipeline import run_log\n"
        "run_log.quiet_libraries()\n"
        "import apache_beam.io.tfrecordio, google.cloud.storage\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
