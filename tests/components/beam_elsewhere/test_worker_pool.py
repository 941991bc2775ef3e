"""The worker pool listens only on its address."""

import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc

from customer_age.components.beam_elsewhere import worker_pool

LOOPBACK = {
    "0100007F",
    "00000000000000000000000001000000",  # IPv6's
    "0000000000000000FFFF00000100007F",  # IPv4's, as IPv6 writes it
}


@pytest.fixture
def pool(tmp_path):
    """A pool as a process, and what it logs."""
    started = []

    def start(*options):
        log = tmp_path / "log"
        process = subprocess.Popen(
            [sys.executable, "-m", "customer_age.components.beam_elsewhere.worker_pool", *options],
            stdout=subprocess.DEVNULL,
            stderr=log.open("wb"),
        )
        started.append(process)
        for _ in range(600):
            if b"Listening" in log.read_bytes() or process.poll() is not None:
                return process, log
            time.sleep(0.1)
        raise AssertionError(log.read_text())

    yield start
    for process in started:
        process.terminate()
        process.wait()


def listens(process: subprocess.Popen) -> set[tuple[str, int]]:
    """The addresses, in hexadecimal, and ports that a process listens on."""
    inodes = {
        str(file.readlink()).removeprefix("socket:[").rstrip("]")
        for file in Path(f"/proc/{process.pid}/fd").iterdir()
    }
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process.pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in inodes:
                address, port = words[1].split(":")
                found.add((address, int(port, 16)))
    return found


def test_it_listens_on_loopback_alone(pool, free_port):
    port = free_port()
    process, _ = pool(f"--address=localhost:{port}")
    found = listens(process)
    assert {at for _, at in found} == {port}
    assert {address for address, _ in found} <= LOOPBACK
    assert worker_pool.ADDRESS == "localhost:50000", "the default address"


def test_an_address_of_another_machine_is_one_line(pool):
    process, log = pool("--address=192.0.2.1:50000")
    assert process.wait() == 2
    *_, line = log.read_text().splitlines()
    assert "error: --address 192.0.2.1:50000: cannot listen on this address (" in line


def test_its_workers_end_with_it(pool, free_port, tmp_path):
    """The requests of a runner that is gone, sent by this test."""
    port = free_port()
    boot = tmp_path / "boot"
    boot.write_text("#!/bin/sh\nyes | head -c 200000\nexec sleep 600\n")  # more than a pipe holds
    boot.chmod(0o755)
    process, _ = pool(f"--address=localhost:{port}", f"--container_executable={boot}")
    with grpc.insecure_channel(f"localhost:{port}") as channel:
        stub = beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(channel)
        stub.StartWorker(beam_fn_api_pb2.StartWorkerRequest(worker_id="1-1"), timeout=30)
    [worker] = children(process)
    for _ in range(300):
        if Path(f"/proc/{worker}/comm").read_text() == "sleep\n":
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the worker stopped at what it printed")
    process.terminate()
    process.wait()
    assert not Path(f"/proc/{worker}").exists()


def children(process: subprocess.Popen) -> list[str]:
    tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [pid for file in tasks for pid in file.read_text().split()]
