"""A pool of Beam workers that listens on one named address, and reports a worker that dies.

Beam's own pool listens on every address of the machine, and anyone who can connect to it can start
programs on the machine. This pool listens on loopback, next to the process that requests workers.
Beam's own pool also does not report a worker that dies before it has connected to its runner: the
job then waits for ever.

    python -m customer_age.components.beam_elsewhere.worker_pool --address=localhost:50000
"""

import argparse
import logging
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from apache_beam.runners.worker import worker_pool_main
from apache_beam.utils import thread_pool_executor

ADDRESS = "localhost:50000"

_ANSWER_SECONDS = 120
"""A runner sends a worker its first instruction within this time after it requested the worker."""

_log = logging.getLogger(__name__)


class WorkerPool(worker_pool_main.BeamFnExternalWorkerPoolServicer):
    """Beam's worker pool, which also watches the workers that it starts."""

    def StartWorker(self, request: Any, context: Any) -> Any:
        """Start a worker and watch it."""
        response = super().StartWorker(request, context)
        process = self._worker_processes.get(request.worker_id)
        if process is not None and not response.error:
            threading.Thread(target=self._watch, args=(request, process), daemon=True).start()
        return response

    def stop(self) -> None:
        """End all workers."""
        processes = list(self._worker_processes.values())
        self._worker_processes.clear()
        for process in processes:
            worker_pool_main.kill_process_gracefully(process)

    def _watch(self, request: Any, process: subprocess.Popen) -> None:
        # Beam opens this pipe but never reads it: a worker that prints much would block.
        for line in process.stdout or ():
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        exit_code = process.wait()
        stopped = self._worker_processes.pop(request.worker_id, None) is None
        if exit_code and not stopped:
            died = f"Beam's worker {request.worker_id} died: {_cause(exit_code)}"
            _log.error(died)
            _answer(request, died)


def _cause(exit_code: int) -> str:
    if exit_code == -signal.SIGKILL:
        return "killed by signal 9, probably because there was not enough memory"
    return f"killed by signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"


def _answer(request: Any, error: str) -> None:
    """Answer the runner in place of a dead worker, so that the runner does not wait for ever.

    If the worker had already connected, its runner has noticed the broken connection, and refuses
    this one.
    """
    answers: queue.Queue = queue.Queue()
    with grpc.insecure_channel(request.control_endpoint.url) as channel:
        stub = beam_fn_api_pb2_grpc.BeamFnControlStub(channel)
        instructions = stub.Control(
            iter(answers.get, None),
            timeout=_ANSWER_SECONDS,
            metadata=(("worker_id", request.worker_id),),
        )
        try:
            for each in instructions:
                answers.put(
                    beam_fn_api_pb2.InstructionResponse(
                        instruction_id=each.instruction_id, error=error
                    )
                )
        except grpc.RpcError as refused:
            _log.info("%s refused the answer for it: %s", request.control_endpoint.url, refused)
        finally:
            answers.put(None)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the process ends; the workers end with it."""
    parser = argparse.ArgumentParser(
        prog="python -m customer_age.components.beam_elsewhere.worker_pool",
        description=__doc__.splitlines()[0],
    )
    parser.add_argument(
        "--address",
        default=ADDRESS,
        metavar="HOST:PORT",
        help="Listen only on this address. Anyone who can connect to it can run programs.  "
        "[default: %(default)s]",
    )
    parser.add_argument(
        "--container_executable",
        metavar="FILE",
        help="Program that starts a worker, such as Beam's boot.",
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, force=True)  # an import may have logged already
    pool = WorkerPool(use_process=True, container_executable=options.container_executable)
    server = grpc.server(
        thread_pool_executor.shared_unbounded_instance(),
        options=[("grpc.http2.max_pings_without_data", 0), ("grpc.http2.max_ping_strikes", 0)],
    )
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    try:
        server.add_insecure_port(options.address)
    except RuntimeError as error:
        parser.error(f"--address {options.address}: cannot listen on this address ({error})")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.start()
    _log.info("Listening for requests for workers on %s", options.address)
    try:
        server.wait_for_termination()
    finally:
        pool.stop()


if __name__ == "__main__":
    main()
