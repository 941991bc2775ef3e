"""The small files that our components leave in their artifacts' folders, as the page needs them."""

import contextlib
import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from customer_age.files.storage import exists, read_bytes

EXAMPLES_OF_REFUSED = 3
"""How many of the refused photos are named, for each reason."""

Contents = TypeVar("Contents", bound=BaseModel)


class BatchCounts(BaseModel):
    """What became of the rows of one batch, or of the base set beside batches.

    Attributes:
        rows: of its label table.
        photos: that the run has of it, by split.
        refused: photos that it has not, by reason.
        age_groups: the photos by age group.
    """

    rows: int
    photos: dict[str, int]
    refused: dict[str, int]
    age_groups: dict[str, int]


class Ingestion(BaseModel):
    """`ingestion.json`: what PhotoExampleGen counted.

    Attributes:
        rows: of the label tables.
        photos: that can be used, by split.
        refused: photos that cannot, by reason.
        seconds: that it took.
        batches: the same of the base set and of each batch; empty where there are no batches.
    """

    rows: int
    photos: dict[str, int]
    refused: dict[str, int]
    seconds: float
    batches: dict[str, BatchCounts] = {}


class RefusedPhoto(BaseModel):
    """A row of `refused.csv`: one photo that cannot be used, and where its label stands."""

    table: str
    line: str
    file_name: str
    reason: str
    detail: str


class Epoch(BaseModel):
    """One epoch of training; `epoch` counts from 1 in each phase, errors are in years."""

    phase: str
    epoch: int
    mae: float
    val_mae: float
    seconds: float


class Training(BaseModel):
    """`training.json`: what the Trainer did.

    Attributes:
        best_epoch: of the phase `whole`: the one whose weights were kept.
        median_age: years, of the labels in `train`.
        weights: what the network started from.
        seconds: of the whole training.
        input_size: pixels on each side of what the network sees.
    """

    history: list[Epoch]
    best_epoch: int
    median_age: float
    device: str
    precision: str
    weights: str
    seconds: float
    input_size: int

    @property
    def best(self) -> int | None:
        """The place in `history` of the epoch whose weights were kept, counting from 0."""
        for place, epoch in enumerate(self.history):
            if epoch.phase == "whole" and epoch.epoch == self.best_epoch:
                return place
        return None


class CanaryCheck(BaseModel):
    """One thing that the Canary measured; `measured` must be at most `limit`."""

    measured: float
    limit: float
    passed: bool


class Canary(BaseModel):
    """`canary.json`: whether the model is fit to serve.

    Attributes:
        checks: by name; those that could not be measured are not there.
        refusals: why it is not fit, one sentence each.
    """

    passed: bool
    refusals: list[str]
    checks: dict[str, CanaryCheck]


def read_ingestion(uri: str) -> Ingestion | None:
    """Read the counts in an Examples artifact, or None where it holds none."""
    return _read_json(uri, "ingestion.json", Ingestion)


def read_refused_photos(uri: str) -> dict[str, tuple[RefusedPhoto, ...]]:
    """Read the first few refused photos of an Examples artifact, by reason.

    Raises:
        ValueError: a row lacks a column.
    """
    content = read_bytes(f"{uri}/refused.csv")
    first: dict[str, list[RefusedPhoto]] = defaultdict(list)
    if content is not None:
        for row in csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")):
            with _one_line("refused.csv"):
                photo = RefusedPhoto.model_validate(row)
            if len(first[photo.reason]) < EXAMPLES_OF_REFUSED:
                first[photo.reason].append(photo)
    return {reason: tuple(photos) for reason, photos in first.items()}


def read_training(uri: str) -> Training | None:
    """Read the history in a ModelRun artifact, or None where it holds none."""
    return _read_json(uri, "training.json", Training)


def read_canary(uri: str) -> Canary | None:
    """Read the checks in an InfraBlessing artifact, or None where it holds none."""
    return _read_json(uri, "canary.json", Canary)


def is_blessed(uri: str) -> bool | None:
    """Tell what a ModelBlessing artifact says, or None where it says nothing."""
    if exists(f"{uri}/BLESSED"):
        return True
    return False if exists(f"{uri}/NOT_BLESSED") else None


def _read_json(folder: str, name: str, contents: type[Contents]) -> Contents | None:
    content = read_bytes(f"{folder}/{name}")
    if content is None:
        return None
    with _one_line(name):
        return contents.model_validate_json(content)


@contextlib.contextmanager
def _one_line(name: str) -> Iterator[None]:
    """Say in one line what is wrong with a file, which takes pydantic several."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{name}: {place or 'as a whole'}: {first['msg']}") from error
