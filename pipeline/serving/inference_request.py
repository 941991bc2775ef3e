"""A request of the Open Inference Protocol over REST or gRPC, and the reasons to refuse it."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

INPUT = "image_bytes"
"""The only input: the bytes of photo files; the SavedModel's signature has the same name."""

AGE, REASON = "age", "reason"
OUTPUTS = {AGE: "FP32", REASON: "BYTES"}
"""The outputs and their datatypes."""

BYTES = "BYTES"


class Problem(enum.Enum):
    """Why a request has no answer."""

    INVALID = enum.auto()
    NOT_FOUND = enum.auto()
    TOO_LARGE = enum.auto()
    UNSUPPORTED = enum.auto()
    TOO_SLOW = enum.auto()
    OVERDUE = enum.auto()
    BUSY = enum.auto()
    NOT_READY = enum.auto()
    FAILED = enum.auto()


class InferenceRefused(Exception):
    """A request has no answer.

    Attributes:
        problem: determines the status.
        sentence: one line for the caller, without any data of the photos.
    """

    def __init__(self, problem: Problem, sentence: str) -> None:
        super().__init__(problem, sentence)
        self.problem = problem
        self.sentence = sentence


@dataclass(frozen=True)
class Limits:
    """The limits of requests; together with `Batching.decoders`, they bound the memory.

    Attributes:
        photo_bytes: the largest size of a photo's file, in bytes.
        photos: the largest number of photos in a request.
        request_bytes: the largest size of a request's body as it is sent, in bytes.
        requests: the largest number of requests in progress, over REST and gRPC together.
    """

    photo_bytes: int = 16 * 2**20
    photos: int = 64
    request_bytes: int = 32 * 2**20
    requests: int = 16


@dataclass(frozen=True)
class InputTensor:
    """One input as it was sent.

    Attributes:
        name: the input's name.
        datatype: a datatype of the protocol.
        shape: the shape that the request states.
        elements: the photos.
    """

    name: str
    datatype: str
    shape: Sequence[int]
    elements: Sequence[bytes]


@dataclass(frozen=True)
class InferenceRequest:
    """A request within the limits.

    Attributes:
        photos: at least one photo.
        outputs: the requested outputs, in their order.
        id: the caller's id, may be empty.
    """

    photos: Sequence[bytes]
    outputs: Sequence[str]
    id: str


@dataclass(frozen=True)
class Answer:
    """The answer for one photo.

    Attributes:
        age: in years, rounded to a tenth as in `predict`; `NO_AGE` if the photo was refused.
        reason: one of `refusals.Reason`; empty if there is an age.
    """

    age: float
    reason: str = ""


def check_input(name: str, datatype: str, shape: Sequence[int], limits: Limits) -> None:
    """Check that an input matches the model's input; its elements need not be read yet.

    Raises:
        InferenceRefused: it does not match.
    """
    if name != INPUT:
        raise invalid(f"the only input is {INPUT}")
    if datatype != BYTES:
        raise invalid(f"the datatype of {INPUT} must be {BYTES}")
    if len(shape) != 1 or shape[0] < 1:
        raise invalid(f"the shape of {INPUT} must be [N], with a number of photos N of at least 1")
    if shape[0] > limits.photos:
        raise too_large(f"{shape[0]} photos, but a request may have {limits.photos}")


def check_photo(byte_size: int, limits: Limits) -> None:
    """Check that a photo's size in bytes is within the limits.

    Raises:
        InferenceRefused: the photo is too large.
    """
    if byte_size > limits.photo_bytes:
        raise too_large(f"a photo has more than {limits.photo_bytes} bytes")


def checked_request(
    inputs: Sequence[InputTensor], outputs: Sequence[str], request_id: str, limits: Limits
) -> InferenceRequest:
    """Check a request against the model's inputs and outputs and the limits.

    Args:
        inputs: all inputs of the request.
        outputs: the requested outputs; empty for all.
        request_id: the caller's id.
        limits: the limits of a request.

    Raises:
        InferenceRefused: the request is not valid or too large.
    """
    if len(inputs) != 1:
        raise invalid(f"there must be one input, {INPUT}; there are {len(inputs)}")
    [tensor] = inputs
    check_input(tensor.name, tensor.datatype, tensor.shape, limits)
    if tensor.shape[0] != len(tensor.elements):
        raise invalid(f"the shape is {tensor.shape[0]} photos; there are {len(tensor.elements)}")
    for photo in tensor.elements:
        check_photo(len(photo), limits)
    if any(name not in OUTPUTS for name in outputs) or len(set(outputs)) < len(outputs):
        raise invalid(f"the outputs are {' and '.join(OUTPUTS)}, each at most once")
    return InferenceRequest(tensor.elements, tuple(outputs) or tuple(OUTPUTS), request_id)


def invalid(sentence: str) -> InferenceRefused:
    """Return the refusal of an invalid request, which must not be repeated unchanged."""
    return InferenceRefused(Problem.INVALID, sentence)


def too_large(sentence: str) -> InferenceRefused:
    """Return the refusal of a request over one of the limits."""
    return InferenceRefused(Problem.TOO_LARGE, sentence)
