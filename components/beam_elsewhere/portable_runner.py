"""Beam's PortableRunner, which reports what Beam's own waits for in silence.

Where no job server listens, Beam waits 300 seconds. Where a job's workers are gone, or have never
started, some job servers wait without end, and so does Beam.
"""

import concurrent.futures
import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
from apache_beam.options import pipeline_options
from apache_beam.portability.api import beam_job_api_pb2
from apache_beam.runners import runner
from apache_beam.runners.portability import portable_runner

from customer_age.errors import RunError

from ..beam_runners import MAX_SILENCE
from . import job_server

_LOOK_SECONDS = 30.0
"""Between two looks at the progress; they may list a bucket."""
_CANCEL_SECONDS = 10.0

_LOST = "in input_elements"
"""Where Beam's own job service is when the connection to a worker breaks."""

_log = logging.getLogger(__name__)


class WatchOptions(pipeline_options.PipelineOptions):
    """How long a job may show nothing."""

    @classmethod
    def _add_argparse_args(cls, parser: Any) -> None:
        parser.add_argument(
            MAX_SILENCE,
            type=int,
            default=6 * 3600,  # as cluster.timeout_seconds
            help="A job that shows no progress for so long is given up. Progress is a change of "
            "its state, a message of the job server, and for some jobs a file that is written.",
        )


class _JobService(portable_runner.JobServiceHandle):
    """Beam's, for jobs of any length.

    A service that names a job before it runs, as Beam's own does, is asked for the job's states
    and messages by that name, and Beam then ends the answer after 300 seconds.
    """

    def run(self, preparation_id: str) -> Any:
        """Start a job; gives its name, messages and states."""
        request = beam_job_api_pb2.RunJobRequest(preparation_id=preparation_id)
        job_id = self.job_service.Run(request).job_id
        return (
            job_id,
            self.job_service.GetMessageStream(beam_job_api_pb2.JobMessagesRequest(job_id=job_id)),
            self.job_service.GetStateStream(beam_job_api_pb2.GetJobStateRequest(job_id=job_id)),
        )


class PortableRunner(portable_runner.PortableRunner):
    """Beam's, which looks for the job server first, and watches the job."""

    def run_portable_pipeline(self, pipeline: Any, options: Any) -> "WatchedJob":
        """Start a job.

        Raises:
            RunError: no job server answers.
        """
        endpoint = options.view_as(pipeline_options.PortableOptions).job_endpoint
        job_server.require([f"--job_endpoint={endpoint or ''}"])
        watch = options.view_as(WatchOptions)
        seconds = watch.max_silent_seconds
        watch.max_silent_seconds = None  # nothing that a job server would know
        return WatchedJob(super().run_portable_pipeline(pipeline, options), endpoint, seconds)

    def create_job_service_handle(self, job_service: Any, options: Any) -> _JobService:
        """See Beam's `PortableRunner`."""
        return _JobService(job_service, options)


class WatchedJob(runner.PipelineResult):
    """A job that is given up when it shows no progress for too long."""

    def __init__(self, job: portable_runner.PipelineResult, endpoint: str, seconds: int) -> None:
        super().__init__(job._state)
        self._job = job
        self._endpoint = endpoint
        self._seconds = seconds
        self.progress: Callable[[], Any] = lambda: None
        """Gives something else whenever the job has got further, as by the files it has written."""

    @property
    def state(self) -> Any:
        """See Beam's `PipelineResult`."""
        return self._job.state

    def metrics(self) -> Any:
        """See Beam's `PipelineResult`."""
        return self._job.metrics()

    def cancel(self) -> None:
        """See Beam's `PipelineResult`."""
        self._job.cancel()

    def wait_until_finish(self, duration: int | None = None) -> Any:
        """Wait for the end of the job.

        Args:
            duration: milliseconds to wait at most; None waits for the end.

        Returns:
            The state of the job.

        Raises:
            RunError: the job showed no progress for too long, or the job server went away.
            RuntimeError: the job failed.
        """
        outcome = _in_background(lambda: self._job.wait_until_finish(duration))
        seen, since = self._signs(), time.monotonic()
        between = min(_LOOK_SECONDS, self._seconds / 3)
        while not concurrent.futures.wait([outcome], between).done:
            if (signs := self._signs()) != seen:
                seen, since = signs, time.monotonic()
            elif time.monotonic() - since >= self._seconds:
                concurrent.futures.wait([_in_background(self.cancel)], _CANCEL_SECONDS)
                raise RunError(
                    f"Beam's job on {self._endpoint} showed no progress for {self._seconds} s "
                    f"({MAX_SILENCE}), and was given up: its workers are gone, hang, or never "
                    "started; the logs of the worker pool and of the job server say why"
                ) from TimeoutError()  # as of a service: a cluster tries again
        try:
            return outcome.result()
        except grpc.RpcError as error:
            raise RunError(
                f"Beam's job server {self._endpoint} went away before the job ended; run again"
            ) from error
        except RuntimeError as error:
            raise self._explained(str(error)) from error

    def _explained(self, text: str) -> Exception:
        """In one line, what a job server says in a traceback or several."""
        reported = re.search(r"Beam's worker \S+ died: [^\n]*", text)
        if reported or _LOST in text:
            lost = reported[0] if reported else "a worker of Beam's died"
            return RunError(
                f"{lost}, and with it the job on {self._endpoint}; the log of the worker pool "
                "tells more. Run again, with more memory for the workers if they ran out of it"
            )
        *_, last = text.strip().splitlines() or [text]
        return RuntimeError(f"Beam's job on {self._endpoint} failed: {last}")

    def _signs(self) -> Any:
        try:
            progress = self.progress()
        except Exception:
            _log.warning("The progress of Beam's job cannot be seen.", exc_info=True)
            progress = None
        return len(self._job._messages), progress


def _in_background(work: Callable[[], Any]) -> concurrent.futures.Future:
    """Call it in a thread that no one has to wait for: what hangs must not hold the process."""
    outcome: concurrent.futures.Future = concurrent.futures.Future()

    def call() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=call, daemon=True).start()
    return outcome
