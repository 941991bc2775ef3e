"""The Open Inference Protocol over gRPC."""

import importlib.metadata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click
import grpc

from .grpc_messages import METHODS, SERVICE, message_class
from .inference import PLATFORM, SERVER, Inference
from .inference_request import (
    AGE,
    BYTES,
    INPUT,
    OUTPUTS,
    Answer,
    InferenceRefused,
    InputTensor,
    Problem,
    check_input,
    checked_request,
    invalid,
)
from .json_tensors import BINARY_EXTENSION, bytes_elements, packed

_STATUS = {
    Problem.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Problem.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Problem.TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Problem.UNSUPPORTED: grpc.StatusCode.INVALID_ARGUMENT,
    Problem.TOO_SLOW: grpc.StatusCode.DEADLINE_EXCEEDED,
    Problem.OVERDUE: grpc.StatusCode.DEADLINE_EXCEEDED,
    Problem.BUSY: grpc.StatusCode.UNAVAILABLE,
    Problem.NOT_READY: grpc.StatusCode.UNAVAILABLE,
    Problem.FAILED: grpc.StatusCode.INTERNAL,
}

_SPARE_THREADS = 4
"""Threads for health requests while the largest number of other requests is in progress."""


def server(inference: Inference) -> grpc.Server:
    """Return a server without a port that is not started."""
    threads = inference.limits.requests + _SPARE_THREADS
    made = grpc.server(
        ThreadPoolExecutor(threads, thread_name_prefix="grpc"),
        maximum_concurrent_rpcs=threads,
        options=[
            ("grpc.max_receive_message_length", inference.limits.request_bytes),
            ("grpc.so_reuseport", 0),  # otherwise two servers could share a port
        ],
    )
    service = _Service(inference)
    handlers = {
        method: grpc.unary_unary_rpc_method_handler(
            getattr(service, method),
            request_deserializer=message_class(f"{method}Request").FromString,
            response_serializer=message_class(f"{method}Response").SerializeToString,
        )
        for method in METHODS
    }
    made.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    return made


def _described(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """Let a method return each exception as a status with one line."""
    response = message_class(f"{method.__name__.removeprefix('_')}Response")

    def call(service: "_Service", request: Any, context: Any) -> Any:
        try:
            return method(service, request)
        except InferenceRefused as refused:
            context.set_code(_STATUS[refused.problem])
            context.set_details(refused.sentence)
        except Exception as error:
            # The error's text may contain the request's data.
            click.echo(f"a request failed: {type(error).__name__}", err=True)
            context.set_code(grpc.StatusCode.INTERNAL)
            context.set_details("internal error of the server")
        return response()

    return call


class _Service:
    """The protocol's methods, by their names."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    @_described
    def ServerLive(self, _: Any) -> Any:
        return message_class("ServerLiveResponse")(live=True)

    @_described
    def ServerReady(self, _: Any) -> Any:
        return message_class("ServerReadyResponse")(ready=self._inference.ready)

    @_described
    def ModelReady(self, request: Any) -> Any:
        self._inference.version(request.name, request.version)
        return message_class("ModelReadyResponse")(ready=self._inference.ready)

    @_described
    def ServerMetadata(self, _: Any) -> Any:
        version = importlib.metadata.version(SERVER)
        return message_class("ServerMetadataResponse")(
            name=SERVER, version=version, extensions=[BINARY_EXTENSION]
        )

    @_described
    def ModelMetadata(self, request: Any) -> Any:
        version = self._inference.version(request.name, request.version)
        tensor = message_class("ModelMetadataResponse.TensorMetadata")
        return message_class("ModelMetadataResponse")(
            name=self._inference.model_name,
            versions=[version],
            platform=PLATFORM,
            inputs=[tensor(name=INPUT, datatype=BYTES, shape=[-1])],
            outputs=[
                tensor(name=name, datatype=datatype, shape=[-1])
                for name, datatype in OUTPUTS.items()
            ],
        )

    def ModelInfer(self, request: Any, context: Any) -> Any:
        with self._inference.metrics.request("grpc") as outcome:
            response = self._ModelInfer(request, context)
            outcome.code = (context.code() or grpc.StatusCode.OK).name
            return response

    @_described
    def _ModelInfer(self, request: Any) -> Any:
        version = self._inference.version(request.model_name, request.model_version)
        with self._inference.admitted():
            outputs = [output.name for output in request.outputs]
            inputs = self._inputs(request)
            limits = self._inference.limits
            checked = checked_request(inputs, outputs, request.id, limits)
            answers = self._inference.answers(checked.photos)
        response = message_class("ModelInferResponse")(
            model_name=self._inference.model_name, model_version=version, id=request.id
        )
        # Outputs have the form of the inputs: raw, or in the field of the datatype.
        if request.raw_input_contents:
            response.raw_output_contents.extend(packed(name, answers) for name in checked.outputs)
        for name in checked.outputs:
            output = response.outputs.add(name=name, datatype=OUTPUTS[name], shape=[len(answers)])
            if not request.raw_input_contents:
                _fill(output.contents, name, answers)
        return response

    def _inputs(self, request: Any) -> list[InputTensor]:
        limits = self._inference.limits
        raw = request.raw_input_contents
        if raw and len(raw) != len(request.inputs):
            raise invalid("raw_input_contents must have one element for each input")
        inputs = []
        for place, each in enumerate(request.inputs):
            check_input(each.name, each.datatype, each.shape, limits)
            contents = each.contents.bytes_contents
            if raw and contents:
                raise invalid("an input must have either contents or raw_input_contents")
            elements = bytes_elements(raw[place], limits) if raw else list(contents)
            inputs.append(InputTensor(each.name, each.datatype, list(each.shape), elements))
        return inputs


def _fill(contents: Any, name: str, answers: Sequence[Answer]) -> None:
    if name == AGE:
        contents.fp32_contents.extend(each.age for each in answers)
    else:
        contents.bytes_contents.extend(each.reason.encode() for each in answers)
