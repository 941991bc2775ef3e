"""The messages of the Open Inference Protocol's gRPC form, `inference.GRPCInferenceService`.

They are built from the table below. Generated code would need one version of protobuf's compiler,
but the two TFX lines have protobuf 4 and 6. A separate pool prevents conflicts with the messages of
clients that are imported in the same process.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "inference.GRPCInferenceService"

_PACKAGE = "inference"
_FIELD = descriptor_pb2.FieldDescriptorProto

_SCALARS = {
    "bool": _FIELD.TYPE_BOOL,
    "bytes": _FIELD.TYPE_BYTES,
    "double": _FIELD.TYPE_DOUBLE,
    "float": _FIELD.TYPE_FLOAT,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "string": _FIELD.TYPE_STRING,
    "uint32": _FIELD.TYPE_UINT32,
    "uint64": _FIELD.TYPE_UINT64,
}

_MODEL = ["string name", "string version"]
_TENSOR = ["string name", "string datatype", "int64* shape"]
_FILLED = [*_TENSOR, "parameters", "InferTensorContents contents"]
_INFER = ["string model_name", "string model_version", "string id", "parameters"]

# Message to its fields, numbered from 1: a star repeats, `parameters` is a map of InferParameter.
_MESSAGES: dict[str, list[str]] = {
    "ServerLiveRequest": [],
    "ServerLiveResponse": ["bool live"],
    "ServerReadyRequest": [],
    "ServerReadyResponse": ["bool ready"],
    "ModelReadyRequest": _MODEL,
    "ModelReadyResponse": ["bool ready"],
    "ServerMetadataRequest": [],
    "ServerMetadataResponse": [*_MODEL, "string* extensions"],
    "ModelMetadataRequest": _MODEL,
    "ModelMetadataResponse": [
        "string name",
        "string* versions",
        "string platform",
        "TensorMetadata* inputs",
        "TensorMetadata* outputs",
    ],
    "ModelMetadataResponse.TensorMetadata": _TENSOR,
    "ModelInferRequest": [
        *_INFER,
        "InferInputTensor* inputs",
        "InferRequestedOutputTensor* outputs",
        "bytes* raw_input_contents",
    ],
    "ModelInferRequest.InferInputTensor": _FILLED,
    "ModelInferRequest.InferRequestedOutputTensor": ["string name", "parameters"],
    "ModelInferResponse": [*_INFER, "InferOutputTensor* outputs", "bytes* raw_output_contents"],
    "ModelInferResponse.InferOutputTensor": [
        *_TENSOR,
        "parameters",
        "InferTensorContents contents",
    ],
    "InferParameter": [
        "bool bool_param",
        "int64 int64_param",
        "string string_param",
        "double double_param",
        "uint64 uint64_param",
    ],
    "InferTensorContents": [
        "bool* bool_contents",
        "int32* int_contents",
        "int64* int64_contents",
        "uint32* uint_contents",
        "uint64* uint64_contents",
        "float* fp32_contents",
        "double* fp64_contents",
        "bytes* bytes_contents",
    ],
}

METHODS = (
    "ServerLive",
    "ServerReady",
    "ModelReady",
    "ServerMetadata",
    "ModelMetadata",
    "ModelInfer",
)
"""Each takes a message named after it with `Request`, and returns one with `Response`."""


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="customer_age/open_inference.proto", package=_PACKAGE, syntax="proto3"
    )
    messages: dict[str, Any] = {}
    for full_name, fields in _MESSAGES.items():
        outer, _, name = full_name.rpartition(".")
        message = (messages[outer].nested_type if outer else file.message_type).add(name=name)
        messages[full_name] = message
        for number, field in enumerate(fields, start=1):
            if field == "parameters":
                _add_map(message, number, full_name)
            else:
                _add_field(message, number, field, full_name)
    parameter = messages["InferParameter"]
    parameter.oneof_decl.add(name="parameter_choice")
    for field in parameter.field:
        field.oneof_index = 0
    return file


def _add_field(message: Any, number: int, field: str, full_name: str) -> None:
    kind, name = field.split()
    repeated = kind.endswith("*")
    kind = kind.removesuffix("*")
    added = message.field.add(
        name=name,
        number=number,
        label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL,
    )
    if kind in _SCALARS:
        added.type = _SCALARS[kind]
    else:
        added.type = _FIELD.TYPE_MESSAGE
        inner = f"{full_name}.{kind}"
        added.type_name = f".{_PACKAGE}.{inner if inner in _MESSAGES else kind}"


def _add_map(message: Any, number: int, full_name: str) -> None:
    """Add a map: repeated entries of a message that is marked as a map entry."""
    entry = message.nested_type.add(name="ParametersEntry")
    entry.options.map_entry = True
    _add_field(entry, 1, "string key", "")
    _add_field(entry, 2, "InferParameter value", "")
    added = message.field.add(name="parameters", number=number, label=_FIELD.LABEL_REPEATED)
    added.type = _FIELD.TYPE_MESSAGE
    added.type_name = f".{_PACKAGE}.{full_name}.ParametersEntry"


_POOL = descriptor_pool.DescriptorPool()
_POOL.AddSerializedFile(_file().SerializeToString())


def message_class(name: str) -> Any:
    """Return the class of a message, such as `ModelInferRequest`."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
