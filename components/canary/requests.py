"""The requests that the canary sends to a model."""

import itertools
from collections.abc import Iterator, Sequence
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
        name: as used in a sentence.
        signature: of the SavedModel.
        argument: the signature's only argument.
        values: the batch: encoded photos or serialized examples.
        times: how often to send it; the first time is slower than the others.
        pairs: whether the values are pairs: a file, and the same picture as an upright PNG.
        unusable: indexes of values for which the model must return a reason instead of an age.
    """

    name: str
    signature: str
    argument: str
    values: tuple[bytes, ...]
    times: int = 1
    pairs: bool = False
    unusable: frozenset[int] = frozenset()


def requests_for(photos: Sequence[bytes], examples: Sequence[bytes]) -> list[Request]:
    """List the requests, the edge cases first.

    Args:
        photos: at least one encoded photo. The first `BATCH_SIZE` of them are sent; if there are
            fewer, they are repeated.
        examples: the serialized examples with these photos, in the same order.
    """
    batch, stored = _batch(photos), _batch(examples)
    return [
        _of_photos("a photo of 1x1 pixels", edge_case_images.one_pixel()),
        _of_photos("a photo of 4000x3000 pixels", edge_case_images.huge()),
        *_kinds(photos[0]),
        _of_photos(BATCH, *batch, times=4),
        _of_photos(ALONE, batch[0], times=21),
        Request(STORED, "serving_examples", "examples", stored),
    ]


def _kinds(photo: bytes) -> Iterator[Request]:
    """Yield requests with one photo in many file formats, and a batch with unusable files."""
    landscape, portrait = edge_case_images.landscape(photo), edge_case_images.portrait(photo)
    for name, files in (
        ("a landscape photo in eight EXIF orientations", edge_case_images.turned(landscape)),
        ("a portrait photo in eight EXIF orientations", edge_case_images.turned(portrait)),
        ("a PNG in eight EXIF orientations", edge_case_images.turned(landscape, "PNG")),
        ("a photo in several file formats", edge_case_images.coloured(landscape)),
        ("a photo with few colours", edge_case_images.few_colours(landscape)),
        ("a grey photo", edge_case_images.grey(portrait)),
    ):
        pairs = ((file, edge_case_images.upright_png(file)) for file in files)
        yield _of_photos(name, *itertools.chain.from_iterable(pairs), pairs=True)
    unusable = tuple(edge_case_images.unusable(landscape))
    whole = next(edge_case_images.turned(landscape))
    yield _of_photos(
        "unusable files between two photos",
        *(whole, *unusable, whole),
        unusable=frozenset(range(1, len(unusable) + 1)),
    )


def _of_photos(
    name: str,
    *photos: bytes,
    times: int = 1,
    pairs: bool = False,
    unusable: frozenset[int] = frozenset(),
) -> Request:
    return Request(name, "serving_default", "image_bytes", photos, times, pairs, unusable)


def _batch(values: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(values[place % len(values)] for place in range(BATCH_SIZE))
