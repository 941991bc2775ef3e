"""What a model must hold to before it is served, judged by what the worker measured."""

import math
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..artifacts.canary import Canary, CanaryCheck
from .requests import ALONE, BATCH, BATCH_SIZE, STORED
from .worker_process import Answer, Measurements

OLDEST = 120.0
"""Years; nobody is younger than 0."""

TOLERANCE = 0.01
"""Years that two answers for one photo may lie apart: a batch is summed up in another order."""

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What a process that serves the model may need.

    Attributes:
        seconds_per_photo: for one photo, alone or on average in a batch.
        memory_mb: at its peak, TensorFlow included.
    """

    seconds_per_photo: float
    memory_mb: int


@dataclass(frozen=True)
class Check:
    """One thing measured; the name of the check tells the unit.

    Attributes:
        measured: the worst value that was seen.
        limit: the most that it may be.
        sentence: what to say where it is more.
    """

    measured: float
    limit: float
    sentence: str

    @property
    def passed(self) -> bool:
        """Whether the measured value is within the limit; no number never is."""
        return self.measured <= self.limit


def judge(measurements: Measurements, limits: Limits) -> Canary:
    """Compare what was measured with the limits.

    Returns:
        The content of `canary.json`, with a sentence for each thing that is wrong.
    """
    found = dict(_checks(measurements, limits))
    refusals = [check.sentence for check in found.values() if not check.passed]
    if measurements.failure:
        refusals.insert(0, measurements.failure)
    return Canary(
        passed=not refusals,
        refusals=refusals,
        checks={
            name: CanaryCheck(measured=check.measured, limit=check.limit, passed=check.passed)
            for name, check in found.items()
        },
    )


def _checks(measurements: Measurements, limits: Limits) -> Iterator[tuple[str, Check]]:
    answers = measurements.answers
    yield "questions_unanswered", _unanswered(answers)
    yield "ages_out_of_range", _out_of_range(answers)
    ages = {name: answer.ages for name, answer in answers.items() if answer.ages}
    if BATCH in ages:
        first, second = ages[BATCH][:2]
        yield "years_apart_twice", _apart(first, second, f"{BATCH}, sent twice, got ages")
        if ALONE in ages:
            yield (
                "years_apart_alone",
                _apart(first[:1], ages[ALONE][0], "one photo, alone and in a batch, got ages"),
            )
        if STORED in ages:
            yield (
                "years_apart_signatures",
                _apart(first, ages[STORED][0], "serving_default and serving_examples gave ages"),
            )
    if ALONE in ages:
        yield "seconds_per_photo", _seconds_alone(answers[ALONE], limits)
    if BATCH in ages:
        yield "seconds_per_batch", _seconds_together(answers[BATCH], limits)
    if measurements.peak_bytes is not None:
        yield "memory_mb", _memory(measurements.peak_bytes, limits)


def _unanswered(answers: Mapping[str, Answer]) -> Check:
    unanswered = [name for name, answer in answers.items() if answer.error]
    if not unanswered:
        return Check(0, 0, "")
    first, *others = unanswered
    sentence = f"the model did not answer {first}: {answers[first].error}"
    nor = f"; nor {len(others)} of the other questions" if others else ""
    return Check(len(unanswered), 0, f"{sentence}{nor}")


def _out_of_range(answers: Mapping[str, Answer]) -> Check:
    wrong = [
        (age, name)
        for name, answer in answers.items()
        for row in answer.ages
        for age in row
        if not 0 <= age <= OLDEST
    ]
    if not wrong:
        return Check(0, 0, "")
    age, name = wrong[0]
    sentence = f"the model gave {age:g} years for {name}"
    return Check(len(wrong), 0, f"{sentence}: ages must be numbers within 0 to {OLDEST:g}")


def _apart(some: tuple[float, ...], others: tuple[float, ...], what: str) -> Check:
    apart = max(_difference(one, other) for one, other in zip(some, others, strict=True))
    sentence = f"{what} up to {apart:.2f} years apart, more than {TOLERANCE:g}"
    return Check(apart, TOLERANCE, sentence)


def _difference(one: float, other: float) -> float:
    """Years apart; what is no number is told by `ages_out_of_range`."""
    return abs(one - other) if math.isfinite(one) and math.isfinite(other) else 0.0


def _seconds_alone(answer: Answer, limits: Limits) -> Check:
    """Of the usual call: the first one is slower."""
    seconds = statistics.median(answer.seconds[1:])
    limit = limits.seconds_per_photo
    sentence = f"one photo took {seconds:.3g} s, more than canary.max_seconds_per_photo allows"
    return Check(seconds, limit, f"{sentence} ({limit:g} s)")


def _seconds_together(answer: Answer, limits: Limits) -> Check:
    """Photos that come together must not take longer than one by one."""
    seconds = min(answer.seconds[1:])
    limit = BATCH_SIZE * limits.seconds_per_photo
    sentence = f"{BATCH} took {seconds:.3g} s, more than {BATCH_SIZE} times"
    return Check(seconds, limit, f"{sentence} canary.max_seconds_per_photo ({limit:g} s)")


def _memory(peak_bytes: int, limits: Limits) -> Check:
    megabytes = round(peak_bytes / _MEGABYTE)
    sentence = f"the process needed {megabytes:,} MB, more than canary.max_memory_mb allows"
    return Check(megabytes, limits.memory_mb, f"{sentence} ({limits.memory_mb:,} MB)")
