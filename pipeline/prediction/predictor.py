"""From photos to ages: read, prepare as training's photos were, and ask the model, in batches."""

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
"""Photos."""

_BATCHES_AHEAD = 3
"""Prepared while the model works; with the photos' own limits, this bounds the memory."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Predictor:
    """A model, and all that is needed besides it to answer for a photo."""

    def __init__(self, model: AgeModel, spec: PhotoSpec, groups: AgeGroups):
        """Construct a predictor.

        Args:
            model: to ask.
            spec: how the photos were prepared that the model learned from.
            groups: age groups of the answers.
        """
        self._model = model
        self._spec = spec
        self._groups = groups

    def predict(self, files: Iterable[PhotoFile]) -> Iterator[list[Prediction]]:
        """Answer for photos; decoding goes on in threads while the model works.

        Args:
            files: any number of photos, taken as they are needed.

        Yields:
            Rows in the order of the photos, for `BATCH_SIZE` of them at a time.
        """
        workers = max(2, len(os.sched_getaffinity(0)) // 2)
        ahead = _BATCHES_AHEAD * BATCH_SIZE
        with ThreadPoolExecutor(workers, thread_name_prefix="prepare") as pool:
            prepared = _mapped(pool, self._prepare, files, ahead)
            while batch := list(itertools.islice(prepared, BATCH_SIZE)):
                yield self._answers(batch)

    def predict_batch(self, files: Sequence[PhotoFile]) -> list[Prediction]:
        """Answer for a few photos in this thread alone; a row for each, in their order."""
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
        # Rounded first, so that a row agrees with itself: 17.96 is 18.0, and no child's.
        rounded = years(age)
        return Prediction(_text(file.file_name), rounded, self._groups.of(rounded))


def _refused(file: PhotoFile, refused: PhotoRefused) -> Prediction:
    return Prediction(
        _text(file.file_name), None, reason=str(refused.reason), detail=_text(refused.detail)
    )


def _text(name: str) -> str:
    """A name as text: file names may hold bytes that are none."""
    return name.encode(errors="surrogateescape").decode(errors="replace")


def _mapped(
    pool: ThreadPoolExecutor,
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    ahead: int,
) -> Iterator[tuple[_Item, _Result]]:
    """Work on items in a pool, at most so many ahead of who takes the results, in order."""
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
