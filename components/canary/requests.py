"""The requests that the canary sends to a model."""

from collections.abc import Sequence
from dataclasses import dataclass

from . import edge_case_images

BATCH_SIZE = 64

ALONE = "one photo alone"
BATCH = f"a batch of {BATCH_SIZE} photos"
STORED = f"{BATCH_SIZE} stored examples"
"""The requests whose answers are compared with each other."""


@dataclass(frozen=True)
class Request:
    """One call of a signature.

    Attributes:
        name: as it stands in a sentence.
        signature: of the SavedModel.
        argument: the signature's only one.
        values: the batch: encoded photos or serialized examples.
        times: how often to send it; the first time is slower than the others.
    """

    name: str
    signature: str
    argument: str
    values: tuple[bytes, ...]
    times: int = 1


def requests_for(photos: Sequence[bytes], examples: Sequence[bytes]) -> list[Request]:
    """List the requests, those of edge cases first.

    Args:
        photos: at least one encoded photo. The first `BATCH_SIZE` of them are sent, fewer
            are repeated.
        examples: the serialized examples that hold them, in their order.
    """
    batch, stored = _batch(photos), _batch(examples)
    return [
        *(
            _of_photos(name, image)
            for name, image in (
                ("a photo of 1x1 pixels", edge_case_images.one_pixel()),
                ("a photo of 4000x3000 pixels", edge_case_images.huge()),
                ("a grey photo", edge_case_images.grey()),
                ("a transparent PNG", edge_case_images.transparent_png()),
            )
        ),
        _of_photos(BATCH, *batch, times=2),
        _of_photos(ALONE, batch[0], times=6),
        Request(STORED, "serving_examples", "examples", stored),
    ]


def _of_photos(name: str, *photos: bytes, times: int = 1) -> Request:
    return Request(name, "serving_default", "image_bytes", photos, times)


def _batch(values: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(values[place % len(values)] for place in range(BATCH_SIZE))
