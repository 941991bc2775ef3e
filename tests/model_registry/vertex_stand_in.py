"""A stand-in for Vertex AI's ModelService with an emulator of Cloud Storage, both on loopback.

It keeps state, and refuses the same requests as the service, according to the documentation of its
client and https://cloud.google.com/vertex-ai/docs/model-registry. It runs as a separate process,
prints one line of JSON with both addresses, and ends when its standard input ends.
"""

import itertools
import json
import os
import re
import sys
import threading
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any

import grpc
from gcp_storage_emulator.server import create_server
from google.cloud.aiplatform_v1 import types
from google.longrunning import operations_pb2
from google.protobuf import any_pb2, empty_pb2, timestamp_pb2
from google.rpc import status_pb2

PROJECT = "shop"
NUMBER = "123456789012"
"""The service accepts a project's id, and answers with its number."""
REGION = "europe-west4"
BUCKET = "models"

_NAME = re.compile(
    rf"projects/(?:{PROJECT}|{NUMBER})/locations/{REGION}/models/(?P<id>[^/@]+)(@(?P<version>[^/]+))?"
)
_ALIAS = re.compile(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]")
_MODEL_ID = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_MOST_LABELS = 64
_SLICES_AT_ONCE = 50
_PAGE = 2
"""Small, so that a few versions already need several pages."""

_SCHEMA = "gs://google-cloud-aiplatform/schema/modelevaluation/regression_metrics_1.0.0.yaml"
_METRICS = {"meanAbsoluteError", "rootMeanSquaredError", "meanAbsolutePercentageError"}
_METRICS |= {"rSquared", "rootMeanSquaredLogError"}


class Refusal(Exception):
    def __init__(self, code: grpc.StatusCode, message: str):
        super().__init__(message)
        self.code = code


def invalid(message: str) -> Refusal:
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(name: str) -> Refusal:
    return Refusal(grpc.StatusCode.NOT_FOUND, f"The Model does not exist: {name}")


@dataclass
class Registered:
    """A model, its versions by number, and the version of each alias."""

    versions: dict[int, types.Model] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    made: int = 0


class ModelService:
    """Each method implements one of the service's by its request.

    Args:
        files: the names of the files in a folder of Cloud Storage.
    """

    def __init__(self, files: Callable[[str], list[str]]):
        self._files = files
        self._models: dict[str, Registered] = {}
        self._evaluations: dict[str, list[types.ModelEvaluation]] = {}
        self._slices: dict[str, list[types.ModelEvaluationSlice]] = {}
        self._operations: dict[str, operations_pb2.Operation] = {}
        self._numbers = itertools.count(1000)

    def upload_model(self, request: types.UploadModelRequest) -> operations_pb2.Operation:
        if request.parent != f"projects/{PROJECT}/locations/{REGION}":
            raise Refusal(grpc.StatusCode.PERMISSION_DENIED, f"Permission denied: {request.parent}")
        model_id = self._destination(request)
        model = request.model
        if not 0 < len(model.display_name) <= 128:
            raise invalid("List of found errors: 1.Field: model.display_name; Message: Required")
        if not model.container_spec.image_uri:
            raise invalid("model.container_spec.image_uri is required")
        if not re.fullmatch(r"gs://[^/]+/.+", model.artifact_uri):
            raise invalid(f"Invalid Cloud Storage URI: {model.artifact_uri!r}")
        _check_labels(model.labels)
        for alias in model.version_aliases:
            _check_alias(alias)
        name = f"projects/{NUMBER}/locations/{REGION}/models/{model_id}"
        if "saved_model.pb" not in self._files(model.artifact_uri):
            return self._operation(
                name,
                status_pb2.Status(
                    code=grpc.StatusCode.FAILED_PRECONDITION.value[0],
                    message=f"Model directory {model.artifact_uri} is expected to contain exactly "
                    "one of: [saved_model.pb, saved_model.pbtxt].",
                ),
            )
        version = self._commit(model_id, model)
        response = types.UploadModelResponse(model=name, model_version_id=str(version))
        return self._operation(name, types.UploadModelResponse.pb(response))

    def get_model(self, request: types.GetModelRequest) -> types.Model:
        registered, version = self._found(request.name)
        return self._shown(_id(request.name), registered, version or registered.aliases["default"])

    def list_model_versions(
        self, request: types.ListModelVersionsRequest
    ) -> types.ListModelVersionsResponse:
        registered, _ = self._found(request.name)
        newest_first = sorted(registered.versions, reverse=True)
        first = int(request.page_token or 0)
        page = newest_first[first : first + _PAGE]
        more = first + _PAGE < len(newest_first)
        return types.ListModelVersionsResponse(
            models=[self._shown(_id(request.name), registered, each) for each in page],
            next_page_token=str(first + _PAGE) if more else "",
        )

    def merge_version_aliases(self, request: types.MergeVersionAliasesRequest) -> types.Model:
        registered, version = self._found(request.name, by_number=True)
        for alias in request.version_aliases:
            _check_alias(alias.removeprefix("-"))
            if alias == "-default":
                raise invalid("The default alias can be moved, not removed")
        for alias in request.version_aliases:
            if not alias.startswith("-"):
                registered.aliases[alias] = version
            elif registered.aliases.get(alias[1:]) == version:
                del registered.aliases[alias[1:]]
        return self._shown(_id(request.name), registered, version)

    def delete_model_version(
        self, request: types.DeleteModelVersionRequest
    ) -> operations_pb2.Operation:
        registered, version = self._found(request.name, by_number=True)
        if len(registered.versions) == 1:
            raise Refusal(
                grpc.StatusCode.FAILED_PRECONDITION,
                "The only version cannot be deleted; delete the model instead",
            )
        del registered.versions[version]
        registered.aliases = {
            alias: max(registered.versions) if alias == "default" and at == version else at
            for alias, at in registered.aliases.items()
            if alias == "default" or at != version
        }
        return self._operation(request.name, empty_pb2.Empty())

    def import_model_evaluation(
        self, request: types.ImportModelEvaluationRequest
    ) -> types.ModelEvaluation:
        name = self._version_name(request.parent)
        evaluation = request.model_evaluation
        _check_metrics(evaluation)
        model_name = name.partition("@")[0]
        evaluation.name = f"{model_name}/evaluations/{next(self._numbers)}"
        self._evaluations.setdefault(name, []).append(evaluation)
        self._slices[evaluation.name] = []
        return evaluation

    def list_model_evaluations(
        self, request: types.ListModelEvaluationsRequest
    ) -> types.ListModelEvaluationsResponse:
        name = self._version_name(request.parent)
        return types.ListModelEvaluationsResponse(model_evaluations=self._evaluations.get(name, []))

    def batch_import_model_evaluation_slices(
        self, request: types.BatchImportModelEvaluationSlicesRequest
    ) -> types.BatchImportModelEvaluationSlicesResponse:
        slices = self._slices_of(request.parent)
        if len(request.model_evaluation_slices) > _SLICES_AT_ONCE:
            raise invalid(f"At most {_SLICES_AT_ONCE} slices can be imported at once")
        for each in request.model_evaluation_slices:
            _check_metrics(each)
            if each.slice_.dimension not in ("slice", "annotationSpec"):
                raise invalid(f"Unknown slice dimension: {each.slice_.dimension!r}")
            each.name = f"{request.parent}/slices/{next(self._numbers)}"
        slices.extend(request.model_evaluation_slices)
        return types.BatchImportModelEvaluationSlicesResponse(
            imported_model_evaluation_slices=[each.name for each in request.model_evaluation_slices]
        )

    def list_model_evaluation_slices(
        self, request: types.ListModelEvaluationSlicesRequest
    ) -> types.ListModelEvaluationSlicesResponse:
        return types.ListModelEvaluationSlicesResponse(
            model_evaluation_slices=self._slices_of(request.parent)
        )

    def get_operation(
        self, request: operations_pb2.GetOperationRequest
    ) -> operations_pb2.Operation:
        if request.name not in self._operations:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Operation not found: {request.name}")
        return self._operations[request.name]

    def _destination(self, request: types.UploadModelRequest) -> str:
        """The id of the new version's model."""
        if request.parent_model:
            if request.model_id:
                raise invalid("model_id and parent_model cannot both be set")
            self._found(request.parent_model)
            return _id(request.parent_model)
        if request.model_id in self._models:
            raise Refusal(
                grpc.StatusCode.ALREADY_EXISTS, f"Model {request.model_id} already exists"
            )
        if not _MODEL_ID.fullmatch(request.model_id or "_"):
            raise invalid(f"Invalid model_id: {request.model_id!r}")
        return request.model_id or str(next(self._numbers))

    def _commit(self, model_id: str, model: types.Model) -> int:
        registered = self._models.setdefault(model_id, Registered())
        registered.made += 1
        version = registered.made
        kept = types.Model(model)
        kept.container_spec = types.ModelContainerSpec()  # input only
        kept.version_create_time = kept.version_update_time = _now()
        registered.versions[version] = kept
        for alias in model.version_aliases:
            registered.aliases[alias] = version
        registered.aliases.setdefault("default", version)
        return version

    def _found(self, name: str, by_number: bool = False) -> tuple[Registered, int]:
        """A model, and the number of the named version, or 0."""
        match = _NAME.fullmatch(name)
        if match is None:
            raise invalid(f"Invalid resource name: {name!r}")
        if match["id"] not in self._models:
            raise not_found(name)
        registered, named = self._models[match["id"]], match["version"]
        if by_number and not (named or "").isdigit():
            raise invalid(f"A version id is required: {name!r}")
        if named is None:
            return registered, 0
        version = int(named) if named.isdigit() else registered.aliases.get(named, 0)
        if version not in registered.versions:
            raise not_found(name)
        return registered, version

    def _shown(self, model_id: str, registered: Registered, version: int) -> types.Model:
        shown = types.Model(registered.versions[version])
        shown.name = f"projects/{NUMBER}/locations/{REGION}/models/{model_id}@{version}"
        shown.version_id = str(version)
        shown.version_aliases = [alias for alias, at in registered.aliases.items() if at == version]
        return shown

    def _version_name(self, name: str) -> str:
        registered, version = self._found(name)
        return f"models/{_id(name)}@{version or registered.aliases['default']}"

    def _slices_of(self, evaluation: str) -> list[types.ModelEvaluationSlice]:
        if evaluation not in self._slices:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"No such evaluation: {evaluation}")
        return self._slices[evaluation]

    def _operation(self, name: str, outcome: Any) -> operations_pb2.Operation:
        """An operation that is not done yet, but done at the next request."""
        operation = operations_pb2.Operation(name=f"{name}/operations/{next(self._numbers)}")
        done = operations_pb2.Operation(name=operation.name, done=True)
        if isinstance(outcome, status_pb2.Status):
            done.error.CopyFrom(outcome)
        else:
            packed = any_pb2.Any()
            packed.Pack(outcome)
            done.response.CopyFrom(packed)
        self._operations[operation.name] = done
        return operation


def _id(name: str) -> str:
    match = _NAME.fullmatch(name)
    assert match is not None
    return match["id"]


def _now() -> timestamp_pb2.Timestamp:
    now = timestamp_pb2.Timestamp()
    now.GetCurrentTime()
    return now


def _check_alias(alias: str) -> None:
    if not _ALIAS.fullmatch(alias):
        raise invalid(f"Invalid version alias: {alias!r}")


def _check_labels(labels: Any) -> None:
    if len(labels) > _MOST_LABELS:
        raise invalid(f"A resource has at most {_MOST_LABELS} labels")
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise invalid(f"Invalid label: {key!r}: {value!r}")


def _check_metrics(measured: Any) -> None:
    if measured.metrics_schema_uri != _SCHEMA:
        raise invalid(f"Unknown metrics schema: {measured.metrics_schema_uri!r}")
    if not measured.metrics or not set(measured.metrics) <= _METRICS:
        raise invalid("Invalid Metrics Format")


def _handlers(service: ModelService) -> list[grpc.GenericRpcHandler]:
    lock = threading.Lock()

    def handler(
        method: Callable[[Any], Any], read: Callable[[bytes], Any], write: Callable[[Any], bytes]
    ) -> grpc.RpcMethodHandler:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            try:
                with lock:
                    return method(request)
            except Refusal as refusal:
                context.abort(refusal.code, str(refusal))

        return grpc.unary_unary_rpc_method_handler(answer, read, write)

    operation = operations_pb2.Operation.SerializeToString
    methods = {}
    for rpc, answered in (
        ("UploadModel", None),
        ("GetModel", types.Model),
        ("ListModelVersions", types.ListModelVersionsResponse),
        ("MergeVersionAliases", types.Model),
        ("DeleteModelVersion", None),
        ("ImportModelEvaluation", types.ModelEvaluation),
        ("ListModelEvaluations", types.ListModelEvaluationsResponse),
        ("BatchImportModelEvaluationSlices", types.BatchImportModelEvaluationSlicesResponse),
        ("ListModelEvaluationSlices", types.ListModelEvaluationSlicesResponse),
    ):
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", rpc).lower()
        request = getattr(types, f"{rpc}Request")
        write = answered.serialize if answered else operation
        methods[rpc] = handler(getattr(service, name), request.deserialize, write)
    get_operation = handler(
        service.get_operation, operations_pb2.GetOperationRequest.FromString, operation
    )
    return [
        grpc.method_handlers_generic_handler("google.cloud.aiplatform.v1.ModelService", methods),
        grpc.method_handlers_generic_handler(
            "google.longrunning.Operations", {"GetOperation": get_operation}
        ),
    ]


def main() -> None:
    from google.cloud.storage import Client

    with create_server("127.0.0.1", 0, in_memory=True, default_bucket=BUCKET) as emulator:
        endpoint = f"http://127.0.0.1:{emulator._api._httpd.server_port}"
        os.environ["STORAGE_EMULATOR_HOST"] = endpoint
        storage = Client(project=PROJECT)

        def files(folder: str) -> list[str]:
            bucket, _, path = folder.removeprefix("gs://").rstrip("/").partition("/")
            blobs = storage.list_blobs(bucket, prefix=f"{path}/")
            return [blob.name.removeprefix(f"{path}/") for blob in blobs]

        server = grpc.server(futures.ThreadPoolExecutor(4))
        server.add_generic_rpc_handlers(_handlers(ModelService(files)))
        vertex = server.add_insecure_port("127.0.0.1:0")
        server.start()
        addresses = {"vertex": f"127.0.0.1:{vertex}", "storage": endpoint}
        print(json.dumps(addresses), flush=True)
        sys.stdin.read()
        server.stop(None).wait()


if __name__ == "__main__":
    main()
