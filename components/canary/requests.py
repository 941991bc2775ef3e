"""The requests that the canary sends to a model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import tensorflow as tf

from customer_age.photos.prepare import prepare_photo
from customer_age.photos.spec import PhotoSpec
from customer_age.schema import features

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
        prepares: the name of the request with the files that these examples were made of, as a run
            makes them; or empty.
        unusable: indexes of values for which the model must return a reason instead of an age.
    """

    name: str
    signature: str
    argument: str
    values: tuple[bytes, ...]
    times: int = 1
    prepares: str = ""
    unusable: frozenset[int] = frozenset()


def requests_for(photos: Sequence[bytes], spec: PhotoSpec) -> list[Request]:
    """List the requests, the edge cases first.

    Args:
        photos: at least one stored photo. The first `BATCH_SIZE` of them are sent; if there are
            fewer, they are repeated.
        spec: how the photos were prepared that the model was trained on.
    """
    batch = tuple(photos[place % len(photos)] for place in range(BATCH_SIZE))
    return [
        *_edge_cases(photos[0], spec),
        _of_photos(BATCH, *batch, times=4),
        _of_photos(ALONE, batch[0], times=21),
        _of_examples(STORED, BATCH, batch, spec),
    ]


def _edge_cases(photo: bytes, spec: PhotoSpec) -> Iterator[Request]:
    """Yield requests with one photo in many file formats, and a batch with unusable files.

    After the files of one format follow the same photos, prepared as in a run: the model is
    evaluated on these.
    """
    landscape = edge_case_images.landscape(photo, spec.min_size)
    portrait = edge_case_images.portrait(photo, spec.min_size)
    smallest = f"a photo of {spec.min_size}x{spec.min_size} pixels"
    for name, files in (
        (smallest, edge_case_images.square(spec.min_size)),
        ("a photo of 4000x3000 pixels", edge_case_images.huge()),
        ("a photo to be shrunk", edge_case_images.large(landscape)),
        ("a landscape photo in eight EXIF orientations", edge_case_images.turned(landscape)),
        ("a portrait photo in eight EXIF orientations", edge_case_images.turned(portrait)),
        ("a PNG in eight EXIF orientations", edge_case_images.turned(landscape, "PNG")),
        ("a photo in several file formats", edge_case_images.coloured(landscape)),
        ("a photo with few colours", edge_case_images.few_colours(landscape)),
        ("a grey photo", edge_case_images.grey(portrait)),
    ):
        request = _of_photos(name, *files)
        yield request
        yield _of_examples(f"{name}, prepared as in a run", name, request.values, spec)
    unusable = tuple(edge_case_images.unusable(landscape, spec.min_size))
    whole = next(edge_case_images.turned(landscape))
    yield _of_photos(
        "unusable files between two photos",
        *(whole, *unusable, whole),
        unusable=frozenset(range(1, len(unusable) + 1)),
    )


def _of_photos(
    name: str, *photos: bytes, times: int = 1, unusable: frozenset[int] = frozenset()
) -> Request:
    return Request(name, "serving_default", "image_bytes", photos, times, unusable=unusable)


def _of_examples(name: str, prepares: str, files: Sequence[bytes], spec: PhotoSpec) -> Request:
    examples = tuple(_example(prepare_photo(file, spec).encoded) for file in files)
    return Request(name, "serving_examples", "examples", examples, prepares=prepares)


def _example(encoded: bytes) -> bytes:
    """Return a serialized example with the only feature that the signature reads."""
    example = tf.train.Example()
    example.features.feature[features.IMAGE_ENCODED].bytes_list.value.append(encoded)
    return example.SerializeToString()
