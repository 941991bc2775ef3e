"""A PortableRunner that reports failures for which Beam's own waits silently.

If no job server listens, Beam waits 300 seconds. If a job's workers are gone, or never started,
some job servers wait for ever, and so does Beam.
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

_CHECK_SECONDS = 30.0
"""Between two checks of the progress; a check may list a bucket."""
_CANCEL_SECONDS = 10.0

_LOST = "in input_elements"
"""In the traceback of Beam's own job service when the connection to a worker breaks."""

_log = logging.getLogger(__name__)


class WatchOptions(pipeline_options.PipelineOptions):
    """How long a job may show no progress."""

    @classmethod
    def _add_argparse_args(cls, parser: Any) -> None:
        parser.add_argument(
            MAX_SILENCE,
            type=int,
            default=6 * 3600,  # as cluster.timeout_seconds
            help="Cancel a job that shows no progress for this many seconds. Progress is a change "
            "of its state, a message of the job server or, for some jobs, a new file.",
        )


class _JobService(portable_runner.JobServiceHandle):
    """Beam's handle of a job service, for jobs of any length.

    Some services, such as Beam's own, name a job before it runs. Beam then requests the job's
    states and messages by that name, with a timeout of 300 seconds.
    """

    def run(self, preparation_id: str) -> Any:
        """Start a job; return its name, messages and states."""
        request = beam_job_api_pb2.RunJobRequest(preparation_id=preparation_id)
        job_id = self.job_service.Run(request).job_id
        return (
            job_id,
            self.job_service.GetMessageStream(beam_job_api_pb2.JobMessagesRequest(job_id=job_id)),
            self.job_service.GetStateStream(beam_job_api_pb2.GetJobStateRequest(job_id=job_id)),
        )


class PortableRunner(portable_runner.PortableRunner):
    """Beam's PortableRunner, which first checks the job server, and then watches the job."""

    def run_portable_pipeline(self, pipeline: Any, options: Any) -> "WatchedJob":
        """Start a job.

        Raises:
            RunError: no job server answers.
        """
        endpoint = options.view_as(pipeline_options.PortableOptions).job_endpoint
        job_server.require([f"--job_endpoint={endpoint or ''}"])
        watch = options.view_as(WatchOptions)
        seconds = watch.max_silent_seconds
        watch.max_silent_seconds = None  # a job server does not know this option
        return WatchedJob(super().run_portable_pipeline(pipeline, options), endpoint, seconds)

    def create_job_service_handle(self, job_service: Any, options: Any) -> _JobService:
        """Create our handle of a job service."""
        return _JobService(job_service, options)


class WatchedJob(runner.PipelineResult):
    """A job that is cancelled if it shows no progress for too long."""

    def __init__(self, job: portable_runner.PipelineResult, endpoint: str, seconds: int) -> None:
        super().__init__(job._state)
        self._job = job
        self._endpoint = endpoint
        self._seconds = seconds
        self.progress: Callable[[], Any] = lambda: None
        """Returns a different value after each progress, such as the files that the job wrote."""

    @property
    def state(self) -> Any:
        """State of the job."""
        return self._job.state

    def metrics(self) -> Any:
        """Return the job's metrics."""
        return self._job.metrics()

    def cancel(self) -> None:
        """Cancel the job."""
        self._job.cancel()

    def wait_until_finish(self, duration: int | None = None) -> Any:
        """Wait for the end of the job.

        Args:
            duration: maximum wait in milliseconds; None waits for the end.

        Returns:
            The state of the job.

        Raises:
            RunError: the job showed no progress for too long, or the job server disappeared.
            RuntimeError: the job failed.
        """
        outcome = _in_background(lambda: self._job.wait_until_finish(duration))
        seen, since = self._signs(), time.monotonic()
        between = min(_CHECK_SECONDS, self._seconds / 3)
        while not concurrent.futures.wait([outcome], between).done:
            if (signs := self._signs()) != seen:
                seen, since = signs, time.monotonic()
            elif time.monotonic() - since >= self._seconds:
                concurrent.futures.wait([_in_background(self.cancel)], _CANCEL_SECONDS)
                raise RunError(
                    f"Beam's job on {self._endpoint} showed no progress for {self._seconds} s "
                    f"({MAX_SILENCE}) and was cancelled: its workers are gone, hang, or never "
                    "started; see the logs of the worker pool and of the job server"
                ) from TimeoutError()  # like a service's timeout: a cluster tries again
        try:
            return outcome.result()
        except grpc.RpcError as error:
            raise RunError(
                f"Beam's job server {self._endpoint} disappeared before the job ended; run again"
            ) from error
        except RuntimeError as error:
            raise self._explained(str(error)) from error

    def _explained(self, text: str) -> Exception:
        """Shorten a job server's error, with one or more tracebacks, to one line."""
        reported = re.search(r"Beam's worker \S+ died: [^\n]*", text)
        if reported or _LOST in text:
            lost = reported[0] if reported else "a Beam worker died"
            return RunError(
                f"{lost}, so the job on {self._endpoint} failed; see the log of the worker pool. "
                "Run again, with more memory for the workers if they ran out of memory"
            )
        *_, last = text.strip().splitlines() or [text]
        return RuntimeError(f"Beam's job on {self._endpoint} failed: {last}")

    def _signs(self) -> Any:
        try:
            progress = self.progress()
        except Exception:
            _log.warning("Cannot check the progress of Beam's job.", exc_info=True)
            progress = None
        return len(self._job._messages), progress


def _in_background(work: Callable[[], Any]) -> concurrent.futures.Future:
    """Call it in a daemon thread, so that a call that hangs does not keep the process alive."""
    outcome: concurrent.futures.Future = concurrent.futures.Future()

    def call() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=call, daemon=True).start()
    return outcome
