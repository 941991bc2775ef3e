"""Ingestion by another runner: a job service and a pool of workers, as Flink has them.

Both are Beam's own and real, each a process of its own, on loopback; what they lack is Flink.
"""

import contextlib
import os
import random
import socket
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow


def wait_for(port: int, process: subprocess.Popen) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port), 1):
            return
        assert process.poll() is None, f"{process.args} ended"
        time.sleep(0.1)
    raise AssertionError(f"{process.args} does not listen")


@pytest.fixture
def portable(free_port):
    """The options of a portable runner whose service and workers are running."""
    modules = {
        "apache_beam.runners.portability.local_job_service_main": "--job_port",
        "apache_beam.runners.worker.worker_pool_main": "--service_port",
    }
    with contextlib.ExitStack() as stack:
        ports = []
        for module, option in modules.items():
            ports.append(free_port())
            process = subprocess.Popen(
                [sys.executable, "-m", module, f"{option}={ports[-1]}"],
                # The pool starts its workers as `python`.
                env=os.environ | {"PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            wait_for(ports[-1], process)
        jobs, pool = ports
        yield [
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{jobs}",
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{pool}",
            # As cluster.image gives it: without an image, TFX would pack its sources.
            "--sdk_container_image=registry.example.com/customer-age:1",
        ]


def test_workers_elsewhere_give_what_this_process_gives(
    ingest, hand_out, photo, portable, tmp_path
):
    rows = [(f"{at:03}.jpg", random.Random(at).randint(1, 90), photo(seed=at)) for at in range(30)]
    rows.append(("broken.jpg", 30, b"no photo"))
    folder = hand_out(rows)
    elsewhere = ingest(folder, tmp_path / "elsewhere", beam_args=portable)
    here = ingest(folder, tmp_path / "here")
    assert elsewhere.summary["photos"] == here.summary["photos"]
    assert elsewhere.summary["refused"] == here.summary["refused"] == {"not_an_image": 1}
    files = {
        file.relative_to(here.uri): file.read_bytes() for file in here.uri.glob("Split-*/*.gz")
    }
    assert files == {
        file.relative_to(elsewhere.uri): file.read_bytes()
        for file in elsewhere.uri.glob("Split-*/*.gz")
    }
