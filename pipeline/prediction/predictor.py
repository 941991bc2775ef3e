"""Predicts ages from photos: reads and prepares them as in training, and calls the model."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from customer_age.photos.decode import read_photo
from customer_age.photos.prepare import prepare_photo
from customer_age.photos.spec import PhotoSpec
from customer_age.schema.age_groups import AgeGroups
from customer_age.schema.refusals import NO_FILE, PhotoRefused

from .age_model import AgeModel
from .photo_sources import PhotoFile
from .prediction_rows import Prediction, years

BATCH_SIZE = 32
"""The number of photos in a call of the model."""

_BATCHES_AHEAD = 3
"""Batches prepared while the model works; with the photos' own limits, this bounds the memory."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Predictor:
    """Predicts ages with a model, a way to prepare photos, and age groups."""

    def __init__(self, model: AgeModel, spec: PhotoSpec, groups: AgeGroups):
        """Construct a predictor.

        Args:
            model: the model that predicts the ages.
            spec: how the photos were prepared that the model was trained on.
            groups: the age groups of the predictions.
        """
        self._model = model
        self._spec = spec
        self._groups = groups

    def predict(self, files: Iterable[PhotoFile]) -> Iterator[list[Prediction]]:
        """Predict the ages of photos; threads decode photos while the model works.

        Args:
            files: any number of photos, read when they are needed.

        Yields:
            Rows in the order of the photos, for `BATCH_SIZE` photos at a time.
        """
        workers = max(2, len(os.sched_getaffinity(0)) // 2)
        ahead = _BATCHES_AHEAD * BATCH_SIZE
        with ThreadPoolExecutor(workers, thread_name_prefix="prepare") as pool:
            prepared = _mapped(pool, self._prepare, files, ahead)
            while batch := list(itertools.islice(prepared, BATCH_SIZE)):
                yield self._answers(batch)

    def predict_batch(self, files: Sequence[PhotoFile]) -> list[Prediction]:
        """Predict the ages of a few photos in this thread; return a row for each, in order."""
        return self._answers([(file, self._prepare(file)) for file in files])

    def _prepare(self, file: PhotoFile) -> bytes | PhotoRefused:
        try:
            if file.problem is not None:
                raise PhotoRefused(file.problem, file.detail or NO_FILE[file.problem])
            return prepare_photo(read_photo(file.path), self._spec).encoded
        except PhotoRefused as refused:
            return refused

    def _answers(self, batch: Sequence[tuple[PhotoFile, bytes | PhotoRefused]]) -> list[Prediction]:
        encoded = [each for _, each in batch if isinstance(each, bytes)]
        ages = iter(self._model.ages(encoded) if encoded else ())
        return [
            _refused(file, prepared)
            if isinstance(prepared, PhotoRefused)
            else self._answer(file, next(ages))
            for file, prepared in batch
        ]

    def _answer(self, file: PhotoFile, age: float) -> Prediction:
        # Round first, so that age and group agree: 17.96 becomes 18.0, an adult's age.
        rounded = years(age)
        return Prediction(_text(file.file_name), rounded, self._groups.of(rounded))


def _refused(file: PhotoFile, refused: PhotoRefused) -> Prediction:
    return Prediction(
        _text(file.file_name), None, reason=str(refused.reason), detail=_text(refused.detail)
    )


def _text(name: str) -> str:
    """Return a name as text: file names may contain bytes that are not text."""
    return name.encode(errors="surrogateescape").decode(errors="replace")


def _mapped(
    pool: ThreadPoolExecutor,
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    ahead: int,
) -> Iterator[tuple[_Item, _Result]]:
    """Process items in a pool and yield the results in order, at most `ahead` items in advance."""
    pending: deque[tuple[_Item, Future[_Result]]] = deque()
    try:
        for item in items:
            pending.append((item, pool.submit(work, item)))
            if len(pending) >= ahead:
                done, future = pending.popleft()
                yield done, future.result()
        while pending:
            done, future = pending.popleft()
            yield done, future.result()
    finally:
        for _, future in pending:
            future.cancel()
