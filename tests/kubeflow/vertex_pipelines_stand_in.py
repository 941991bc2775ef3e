"""A stand-in of Vertex AI's PipelineService, for the real client, on loopback.

It keeps jobs, and refuses what the service refuses, with the same status: a second job with an id,
ids, labels, networks and projects that are not valid, jobs that it would not start, and unknown
parameters. The rules come from
https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.pipelineJobs, and from
the client's own checks (google/cloud/aiplatform/utils). A job that nothing runs stays PENDING.

    with VertexPipelines() as vertex:
        VertexRuns(place, vertex.channel)
        vertex.put_state("customer-age-1", "SUCCEEDED")
"""

import json
import re
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
from backend_stand_in.documents import Refused
from backend_stand_in.parameters import run_parameters
from backend_stand_in.vertex import read_job
from google.cloud.aiplatform_v1 import types
from google.protobuf import json_format, timestamp_pb2

PROJECT = "shop"
NUMBER = "123456789012"
"""The service takes a project's id, and answers with its number."""
REGION = "europe-west4"

_PARENT = re.compile(r"projects/([^/]+)/locations/([^/]+)")
_NAME = re.compile(rf"{_PARENT.pattern}/pipelineJobs/([^/]+)")
_JOB_ID = re.compile(r"[a-z][-a-z0-9]{0,127}")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_NETWORK = re.compile(r"projects/[0-9]+/global/networks/[^/]+")
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


class Refusal(Exception):
    def __init__(self, code: grpc.StatusCode, message: str):
        super().__init__(message)
        self.code = code


def invalid(message: str) -> Refusal:
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)


class VertexPipelines:
    """The service of one region of one project; a context manager.

    Attributes:
        jobs: by id, in their current state.
        channel: to it, for a client.
        allowed: whether the caller may create jobs.
        on_create: called before each job is created; it may wait.
        away: number of the next requests that get no answer.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, types.PipelineJob] = {}
        self.allowed = True
        self.on_create: Callable[[], None] = lambda: None
        self.away = 0
        self._lock = threading.Lock()
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers([self._handlers()])
        self._address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> "VertexPipelines":
        self._server.start()
        self.channel = grpc.insecure_channel(self._address)
        return self

    def __exit__(self, *error: object) -> None:
        self.channel.close()
        self._server.stop(None).wait()

    def put_state(self, job_id: str, state: str, error: str = "", **tasks: str) -> None:
        """A job and some of its tasks are in other states now."""
        job = self.jobs[job_id]
        job.state = types.PipelineState[f"PIPELINE_STATE_{state}"]
        job.error.message = error
        for name, task_state in tasks.items():
            job.job_detail.task_details.append(
                types.PipelineTaskDetail(
                    task_name=name, state=types.PipelineTaskDetail.State[task_state]
                )
            )
        if state in _ENDED:
            job.end_time = _now()

    def create_pipeline_job(self, request: types.CreatePipelineJobRequest) -> types.PipelineJob:
        self.on_create()
        with self._lock:
            self._check_place(_PARENT, request.parent)
            if not self.allowed:
                raise Refusal(
                    grpc.StatusCode.PERMISSION_DENIED,
                    "Permission 'aiplatform.pipelineJobs.create' denied on resource "
                    f"'//aiplatform.googleapis.com/{request.parent}' (or it may not exist).",
                )
            job_id, job = request.pipeline_job_id, types.PipelineJob(request.pipeline_job)
            if not _JOB_ID.fullmatch(job_id):
                raise invalid(f"Invalid PipelineJob ID: {job_id!r}")
            if job_id in self.jobs:
                raise Refusal(
                    grpc.StatusCode.ALREADY_EXISTS,
                    f"PipelineJob {request.parent}/pipelineJobs/{job_id} already exists.",
                )
            _check_job(job)
            job.name = f"projects/{NUMBER}/locations/{REGION}/pipelineJobs/{job_id}"
            job.state = types.PipelineState.PIPELINE_STATE_PENDING
            job.create_time = _now()
            self.jobs[job_id] = job
            return job

    def get_pipeline_job(self, request: types.GetPipelineJobRequest) -> types.PipelineJob:
        with self._lock:
            job_id = self._check_place(_NAME, request.name)[2]
            if job_id not in self.jobs:
                raise Refusal(
                    grpc.StatusCode.NOT_FOUND, f"The PipelineJob does not exist: {request.name}"
                )
            return self.jobs[job_id]

    def _check_place(self, pattern: re.Pattern[str], name: str) -> tuple[str, ...]:
        match = pattern.fullmatch(name)
        if match is None:
            raise invalid(f"Invalid resource name: {name!r}")
        if match[1] not in (PROJECT, NUMBER):
            raise Refusal(
                grpc.StatusCode.PERMISSION_DENIED,
                f"Permission denied on resource project {match[1]}.",
            )
        if match[2] != REGION:
            raise invalid(f"Resource's location {match[2]} is not this endpoint's, {REGION}")
        return match.groups()

    def _handlers(self) -> grpc.GenericRpcHandler:
        def handler(method: Callable[[Any], Any], request: Any) -> grpc.RpcMethodHandler:
            def answer(request: Any, context: grpc.ServicerContext) -> Any:
                if self.away:
                    self.away -= 1
                    context.abort(grpc.StatusCode.UNAVAILABLE, "The service is unavailable.")
                try:
                    return method(request)
                except Refusal as refusal:
                    context.abort(refusal.code, str(refusal))

            return grpc.unary_unary_rpc_method_handler(
                answer, request.deserialize, types.PipelineJob.serialize
            )

        return grpc.method_handlers_generic_handler(
            "google.cloud.aiplatform.v1.PipelineService",
            {
                "CreatePipelineJob": handler(
                    self.create_pipeline_job, types.CreatePipelineJobRequest
                ),
                "GetPipelineJob": handler(self.get_pipeline_job, types.GetPipelineJobRequest),
            },
        )


def _check_job(job: types.PipelineJob) -> None:
    if len(job.display_name) > 128:
        raise invalid("display_name takes at most 128 characters")
    if job.network and not _NETWORK.fullmatch(job.network):
        raise invalid(f"Invalid network: {job.network!r}; a project is named by its number")
    if len(job.labels) > 64:
        raise invalid("A resource has at most 64 labels")
    for key, value in job.labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise invalid(f"Invalid label: {key!r}: {value!r}")
    content = json_format.MessageToDict(types.PipelineJob.pb(job))
    content.pop("network", None)
    content.pop("serviceAccount", None)
    try:
        read, template = read_job(json.dumps(content))
        run_parameters(
            template.spec, json_format.MessageToDict(read.runtime_config).get("parameterValues", {})
        )
    except Refused as refused:
        raise invalid(str(refused)) from refused


def _now() -> timestamp_pb2.Timestamp:
    now = timestamp_pb2.Timestamp()
    now.GetCurrentTime()
    return now
