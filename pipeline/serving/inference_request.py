"""A request of the Open Inference Protocol, whichever way it came, and why one is refused."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

INPUT = "image_bytes"
"""The only input: photos, as files; the SavedModel's own name for it."""

AGE, REASON = "age", "reason"
OUTPUTS = {AGE: "FP32", REASON: "BYTES"}
"""Output to datatype."""

BYTES = "BYTES"


class Problem(enum.Enum):
    """Why there is no answer."""

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
        problem: which status it gets.
        sentence: one line for the caller, with nothing of the photos.
    """

    def __init__(self, problem: Problem, sentence: str) -> None:
        super().__init__(problem, sentence)
        self.problem = problem
        self.sentence = sentence


@dataclass(frozen=True)
class Limits:
    """What a caller may ask for; with `Batching.decoders`, this bounds the memory.

    Attributes:
        photo_bytes: of one photo's file.
        photos: in a request.
        request_bytes: of a request's body, as it comes.
        requests: that are being answered at once, over REST and gRPC together.
    """

    photo_bytes: int = 16 * 2**20
    photos: int = 64
    request_bytes: int = 32 * 2**20
    requests: int = 16


@dataclass(frozen=True)
class InputTensor:
    """One input as it came.

    Attributes:
        name: of the input.
        datatype: in the protocol's words.
        shape: as it is stated.
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
        photos: at least one.
        outputs: that are asked for, in their order.
        id: the caller's, may be empty.
    """

    photos: Sequence[bytes]
    outputs: Sequence[str]
    id: str


@dataclass(frozen=True)
class Answer:
    """What there is to say of one photo.

    Attributes:
        age: years, to a tenth, as `predict` gives them; `NO_AGE` if the photo was refused.
        reason: one of `refusals.Reason`, empty if there is an age.
    """

    age: float
    reason: str = ""


def check_input(name: str, datatype: str, shape: Sequence[int], limits: Limits) -> None:
    """See that an input is the one that the model has; its elements may not be read yet.

    Raises:
        InferenceRefused: it is not.
    """
    if name != INPUT:
        raise invalid(f"the only input is {INPUT}")
    if datatype != BYTES:
        raise invalid(f"the datatype of {INPUT} is {BYTES}")
    if len(shape) != 1 or shape[0] < 1:
        raise invalid(f"the shape of {INPUT} is [N], with a number of photos N of at least 1")
    if shape[0] > limits.photos:
        raise too_large(f"{shape[0]} photos, and a request may have {limits.photos}")


def check_photo(byte_size: int, limits: Limits) -> None:
    """See that a photo is within the limits.

    Raises:
        InferenceRefused: it is not.
    """
    if byte_size > limits.photo_bytes:
        raise too_large(f"a photo of more than {limits.photo_bytes} bytes")


def checked_request(
    inputs: Sequence[InputTensor], outputs: Sequence[str], request_id: str, limits: Limits
) -> InferenceRequest:
    """Hold a request against the model's inputs and outputs and the limits.

    Args:
        inputs: all that came.
        outputs: that are asked for; all where there are none.
        request_id: the caller's.
        limits: to keep to.

    Raises:
        InferenceRefused: it does not fit.
    """
    if len(inputs) != 1:
        raise invalid(f"there must be one input, {INPUT}; there are {len(inputs)}")
    [tensor] = inputs
    check_input(tensor.name, tensor.datatype, tensor.shape, limits)
    if tensor.shape[0] != len(tensor.elements):
        raise invalid(f"the shape says {tensor.shape[0]} photos; there are {len(tensor.elements)}")
    for photo in tensor.elements:
        check_photo(len(photo), limits)
    if any(name not in OUTPUTS for name in outputs) or len(set(outputs)) < len(outputs):
        raise invalid(f"the outputs are {' and '.join(OUTPUTS)}, each at most once")
    return InferenceRequest(tensor.elements, tuple(outputs) or tuple(OUTPUTS), request_id)


def invalid(sentence: str) -> InferenceRefused:
    """A request that no repetition will mend."""
    return InferenceRefused(Problem.INVALID, sentence)


def too_large(sentence: str) -> InferenceRefused:
    """A request over one of the limits."""
    return InferenceRefused(Problem.TOO_LARGE, sentence)
