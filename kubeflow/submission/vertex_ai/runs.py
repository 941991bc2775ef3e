"""The PipelineJobs of one region on Vertex AI, through Google's client.

The run id is the job's id; the service accepts each id once.
"""

import functools
import warnings
from typing import TYPE_CHECKING

from customer_age.errors import explained_by
from customer_age.model_registry import google_errors

from ..runs import Submission, SubmittedRun
from .location import VertexLocation

if TYPE_CHECKING:
    import grpc
    from google.api_core.retry import Retry
    from google.cloud.aiplatform_v1 import PipelineServiceClient
    from google.cloud.aiplatform_v1.types import PipelineJob

_UNREACHABLE_AFTER = 20
_PATIENCE = 60
"""Seconds: how long to retry, and how long to wait for one answer."""


class VertexRuns:
    """The jobs of one region of a project.

    Args:
        location: the region, and the identity of the jobs.
        channel: to a server other than Google's, without credentials.
    """

    def __init__(self, location: VertexLocation, channel: "grpc.Channel | None" = None):
        self._location = location
        self._channel = channel
        # The person who starts a run need not know when Google's clients drop this Python.
        warnings.filterwarnings("ignore", "You are using a .*Python version", FutureWarning)

    @explained_by(google_errors.translate_for_pipelines)
    def find(self, run_id: str) -> SubmittedRun | None:
        """Return the run with that id, or None."""
        from google.api_core.exceptions import NotFound

        try:
            job = self._client.get_pipeline_job(
                name=self._location.job(run_id), retry=self._retry, timeout=_PATIENCE
            )
        except NotFound:
            return None
        return self._shown(run_id, job)

    @explained_by(google_errors.translate_for_pipelines)
    def create(self, submission: Submission) -> SubmittedRun:
        """Start a run, or return the one that has its id already."""
        from google.api_core.exceptions import AlreadyExists

        try:
            job = self._client.create_pipeline_job(
                parent=self._location.parent,
                pipeline_job=self._job(submission),
                pipeline_job_id=submission.run_id,
                retry=self._retry,  # safe, because an id has only one job
                timeout=_PATIENCE,
            )
        except AlreadyExists:
            there = self.find(submission.run_id)
            if there is None:  # deleted in the meantime
                raise
            return there
        return self._shown(submission.run_id, job)

    def _job(self, submission: Submission) -> "PipelineJob":
        from google.cloud.aiplatform_v1.types import PipelineJob
        from google.protobuf import json_format

        job = PipelineJob()
        json_format.ParseDict(submission.specification, PipelineJob.pb(job))
        job.display_name = submission.run_name or submission.run_id
        job.service_account = self._location.service_account
        job.network = self._location.network
        job.labels.update(self._location.labels)
        json_format.ParseDict(
            {"parameterValues": dict(submission.parameters)},
            PipelineJob.RuntimeConfig.pb(job.runtime_config),
        )
        return job

    @functools.cached_property
    def _client(self) -> "PipelineServiceClient":
        from google.cloud.aiplatform_v1 import PipelineServiceClient
        from google.cloud.aiplatform_v1.services.pipeline_service.transports import (
            PipelineServiceGrpcTransport,
        )

        if self._channel is not None:
            return PipelineServiceClient(
                transport=PipelineServiceGrpcTransport(channel=self._channel)
            )
        return PipelineServiceClient(client_options={"api_endpoint": self._location.endpoint})

    @functools.cached_property
    def _retry(self) -> "Retry":
        from google.api_core.exceptions import ServiceUnavailable
        from google.api_core.retry import Retry, if_exception_type

        return Retry(predicate=if_exception_type(ServiceUnavailable), timeout=_UNREACHABLE_AFTER)

    def _shown(self, run_id: str, job: "PipelineJob") -> SubmittedRun:
        from google.protobuf import json_format

        parameters = type(job.runtime_config).pb(job.runtime_config).parameter_values
        return SubmittedRun(
            run_id=run_id,
            link=self._location.link(run_id),
            state=job.state.name.removeprefix("PIPELINE_STATE_").replace("UNSPECIFIED", "PENDING"),
            tasks={task.task_name: task.state.name for task in job.job_detail.task_details},
            parameters={name: json_format.MessageToDict(each) for name, each in parameters.items()},
            error=job.error.message,
        )
