"""Requests and answers of the protocol's REST form: JSON, followed by tensors as bytes.

In the binary tensor extension, `Inference-Header-Content-Length` is the JSON's length in bytes, and
each tensor's `binary_data_size` is the number of its bytes after the JSON. Each element of a BYTES
tensor follows its length, which has four bytes, little-endian.
"""

import base64
import json
import struct
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .inference_request import (
    AGE,
    OUTPUTS,
    Answer,
    InferenceRequest,
    InputTensor,
    Limits,
    check_input,
    check_photo,
    checked_request,
    invalid,
    too_large,
)

JSON_LENGTH_HEADER = "Inference-Header-Content-Length"
BINARY_EXTENSION = "binary_tensor_data"

_LENGTH = struct.Struct("<I")
_MOST_ID = 256

_Size = Annotated[int, Field(ge=0, lt=2**63)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)


class _Input(_Message):
    name: str
    datatype: str
    shape: list[_Size]
    data: list[str] | None = None
    parameters: dict[str, Any] = {}


class _Output(_Message):
    name: str
    parameters: dict[str, Any] = {}


class _Request(_Message):
    id: str = Field("", max_length=_MOST_ID)
    inputs: list[_Input] = Field(max_length=8)
    outputs: list[_Output] = Field([], max_length=8)
    parameters: dict[str, Any] = {}


class JsonRequest:
    """A request, and the requested form of its answer."""

    def __init__(self, body: bytes, json_length: str | None, limits: Limits) -> None:
        """Read a request.

        Args:
            body: the body of the HTTP request.
            json_length: the value of `JSON_LENGTH_HEADER`; None without this header.
            limits: the limits of a request.

        Raises:
            InferenceRefused: the request is not valid or too large.
        """
        length = _json_length(json_length, len(body))
        message = _message(body[:length])
        self._binary = {
            output.name: output.parameters["binary_data"] is True
            for output in message.outputs
            if "binary_data" in output.parameters
        }
        self._all_binary = message.parameters.get("binary_data_output") is True
        inputs, place = [], length
        for each in message.inputs:
            check_input(each.name, each.datatype, each.shape, limits)
            size = each.parameters.get("binary_data_size")
            if size is None:
                elements = _decoded(each.data, limits)
            else:
                if each.data is not None or type(size) is not int or size < 0:
                    raise invalid("binary_data_size must be a number of bytes, and replaces data")
                elements = bytes_elements(body[place : place + size], limits)
                place += size
            inputs.append(InputTensor(each.name, each.datatype, each.shape, elements))
        if place != len(body):
            raise invalid("the body's length differs from its JSON and all binary_data_size")
        names = [output.name for output in message.outputs]
        self.request: InferenceRequest = checked_request(inputs, names, message.id, limits)

    def answer(
        self, answers: Sequence[Answer], model_name: str, version: str
    ) -> tuple[bytes, int | None]:
        """Write the answer.

        Returns:
            The body, and the length of its JSON in bytes if tensors follow it, otherwise None.
        """
        outputs, behind = [], []
        for name in self.request.outputs:
            output: dict[str, Any] = {
                "name": name,
                "datatype": OUTPUTS[name],
                "shape": [len(answers)],
            }
            if self._binary.get(name, self._all_binary):
                behind.append(packed(name, answers))
                output["parameters"] = {"binary_data_size": len(behind[-1])}
            else:
                output["data"] = [each.age if name == AGE else each.reason for each in answers]
            outputs.append(output)
        message: dict[str, Any] = {"model_name": model_name, "model_version": version}
        if self.request.id:
            message["id"] = self.request.id
        text = json.dumps({**message, "outputs": outputs}).encode()
        return b"".join([text, *behind]), len(text) if behind else None


def bytes_elements(content: bytes, limits: Limits) -> list[bytes]:
    """Split a BYTES tensor into its elements.

    Raises:
        InferenceRefused: it is cut off, or has more elements than the allowed number of photos.
    """
    elements: list[bytes] = []
    place = 0
    while place < len(content):
        begin = place + _LENGTH.size
        if begin > len(content):
            raise invalid("a BYTES tensor is cut off: an element's length must have four bytes")
        [size] = _LENGTH.unpack_from(content, place)
        check_photo(size, limits)
        place = begin + size
        if place > len(content):
            raise invalid("a BYTES tensor is cut off: an element is shorter than its stated length")
        if len(elements) == limits.photos:
            raise too_large(f"a request may have {limits.photos} photos")
        elements.append(content[begin:place])
    return elements


def packed(name: str, answers: Sequence[Answer]) -> bytes:
    """Return an output as bytes."""
    if name == AGE:
        return struct.pack(f"<{len(answers)}f", *(each.age for each in answers))
    reasons = [each.reason.encode() for each in answers]
    return b"".join(_LENGTH.pack(len(reason)) + reason for reason in reasons)


def _json_length(header: str | None, body_length: int) -> int:
    if header is None:
        return body_length
    if not (header.isascii() and header.isdigit() and len(header) < 16):
        raise invalid(f"{JSON_LENGTH_HEADER} must be a number of bytes")
    if int(header) > body_length:
        raise invalid(f"{JSON_LENGTH_HEADER} is larger than the body")
    return int(header)


def _message(text: bytes) -> _Request:
    try:
        return _Request.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        # The place contains only our names and numbers, never text of the caller.
        place = ".".join(map(str, first["loc"]))
        raise invalid(f"{place}: {first['msg']}" if place else first["msg"]) from None


def _decoded(data: list[str] | None, limits: Limits) -> list[bytes]:
    if data is None:
        raise invalid("an input must have data: a list of photos, each in base64")
    photos = []
    for place, text in enumerate(data[: limits.photos + 1]):
        check_photo(len(text) * 3 // 4 - 2, limits)  # two may be padding
        try:
            photos.append(base64.b64decode(text, validate=True))
        except ValueError:
            raise invalid(f"inputs.0.data.{place}: not base64") from None
    return photos
