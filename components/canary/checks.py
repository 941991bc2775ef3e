"""The checks that a model must pass before it is served, from the worker's measurements."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from customer_age.schema.refusals import NO_AGE

from ..artifacts.canary import Canary, CanaryCheck
from .requests import ALONE, BATCH, BATCH_SIZE, STORED, Request
from .worker_process import Answer, Measurements

OLDEST = 120.0
"""Years; the youngest age is 0."""

TOLERANCE = 0.01
"""Maximum difference of two answers for one photo, years: a batch is summed in another order."""

KINDS_TOLERANCE = 0.3
"""Maximum difference between the age of a file and that of the same photo, prepared as in a run,
years: TensorFlow rounds one pixel of some thousands differently when it shrinks or turns a photo.
"""

SLOW_FACTOR = 3
"""The 95th percentile may take this many times the limit of the median."""

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """The limits of a process that serves the model.

    Attributes:
        seconds_per_photo: for one photo, alone or on average in a batch.
        memory_mb: peak memory, including TensorFlow's.
    """

    seconds_per_photo: float
    memory_mb: int


@dataclass(frozen=True)
class Check:
    """One check; its name contains the unit.

    Attributes:
        measured: the worst value.
        limit: the maximum that passes.
        sentence: describes the failure if the value is larger.
    """

    measured: float
    limit: float
    sentence: str

    @property
    def passed(self) -> bool:
        """Whether the measured value is within the limit; NaN never is."""
        return self.measured <= self.limit


def judge(measurements: Measurements, limits: Limits, requests: Sequence[Request] = ()) -> Canary:
    """Compare the measurements with the limits.

    Args:
        measurements: of the worker.
        limits: of the settings.
        requests: that were sent; they define the expected answers.

    Returns:
        The content of `canary.json`, with a sentence for each failed check.
    """
    found = dict(_checks(measurements, limits, requests))
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


def _checks(
    measurements: Measurements, limits: Limits, requests: Sequence[Request]
) -> Iterator[tuple[str, Check]]:
    answers = measurements.answers
    unusable = {request.name: request.unusable for request in requests if request.unusable}
    yield "questions_unanswered", _unanswered(answers)
    yield "ages_out_of_range", _out_of_range(answers, unusable)
    if any(name in answers and not answers[name].error for name in unusable):
        yield "unusable_without_reason", _without_reason(answers, unusable)
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
    pairs = {
        request.prepares: (ages[request.prepares][0], ages[request.name][0])
        for request in requests
        if request.prepares in ages and request.name in ages and request.prepares != BATCH
    }
    if pairs:
        yield "years_apart_kinds", _apart_by_kind(pairs)
    if ALONE in ages:
        yield from _seconds("photo", "one photo", answers[ALONE], limits.seconds_per_photo)
    if BATCH in ages:
        yield from _seconds("batch", BATCH, answers[BATCH], BATCH_SIZE * limits.seconds_per_photo)
    if measurements.peak_bytes is not None:
        yield "memory_mb", _memory(measurements.peak_bytes, limits)


def _unanswered(answers: Mapping[str, Answer]) -> Check:
    unanswered = [name for name, answer in answers.items() if answer.error]
    if not unanswered:
        return Check(0, 0, "")
    first, *others = unanswered
    sentence = f"the model did not answer the request '{first}': {answers[first].error}"
    more = f"; it also did not answer {len(others)} other requests" if others else ""
    return Check(len(unanswered), 0, f"{sentence}{more}")


def _out_of_range(answers: Mapping[str, Answer], unusable: Mapping[str, frozenset[int]]) -> Check:
    wrong = [
        (age, name)
        for name, answer in answers.items()
        for row in answer.ages
        for place, age in enumerate(row)
        if place not in unusable.get(name, ()) and not 0 <= age <= OLDEST
    ]
    if not wrong:
        return Check(0, 0, "")
    age, name = wrong[0]
    sentence = f"the model returned an age of {age:g} years for {name}"
    return Check(len(wrong), 0, f"{sentence}; ages must be numbers from 0 to {OLDEST:g}")


def _without_reason(answers: Mapping[str, Answer], unusable: Mapping[str, frozenset[int]]) -> Check:
    """Check that unusable files, and only these, have a reason instead of an age."""
    wrong = [
        (name, place)
        for name, places in unusable.items()
        for row in answers[name].ages
        for place, age in enumerate(row)
        if (place in places) != (age == NO_AGE and any(answers[name].reasons[place : place + 1]))
    ]
    if not wrong:
        return Check(0, 0, "")
    name, place = wrong[0]
    expected = "a reason" if place in unusable[name] else "an age"
    return Check(
        len(wrong), 0, f"{name}: the model did not return {expected} for number {place + 1}"
    )


def _apart_by_kind(pairs: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]) -> Check:
    """Compare the ages of files with those of the same photos, prepared as in a run."""
    apart, name = max(
        (_difference(served, evaluated), name)
        for name, rows in pairs.items()
        for served, evaluated in zip(*rows, strict=True)
    )
    sentence = f"{name}: the ages as served and as evaluated are {apart:.2f} years apart"
    return Check(apart, KINDS_TOLERANCE, f"{sentence}, more than {KINDS_TOLERANCE:g}")


def _apart(some: tuple[float, ...], others: tuple[float, ...], what: str) -> Check:
    apart = max(_difference(one, other) for one, other in zip(some, others, strict=True))
    sentence = f"{what} up to {apart:.2f} years apart, more than {TOLERANCE:g}"
    return Check(apart, TOLERANCE, sentence)


def _difference(one: float, other: float) -> float:
    """Return the difference in years; the check `ages_out_of_range` covers NaN and infinity."""
    return abs(one - other) if math.isfinite(one) and math.isfinite(other) else 0.0


def _seconds(unit: str, request: str, answer: Answer, limit: float) -> Iterator[tuple[str, Check]]:
    """Measure the median and the 95th percentile (nearest rank), without the slow first call."""
    seconds = sorted(answer.seconds[1:])
    times = f"{BATCH_SIZE} times " if unit == "batch" else ""
    setting = f"{times}canary.max_seconds_per_photo"
    median = statistics.median(seconds)
    yield (
        f"seconds_per_{unit}",
        Check(median, limit, f"{request} took {median:.3g} s, more than {setting} ({limit:g} s)"),
    )
    slow = seconds[math.ceil(0.95 * len(seconds)) - 1]
    slow_limit = SLOW_FACTOR * limit
    sentence = f"the 95th percentile of {len(seconds)} calls with {request} is {slow:.3g} s"
    yield (
        f"seconds_per_{unit}_p95",
        Check(
            slow, slow_limit, f"{sentence}, more than {SLOW_FACTOR} x {setting} ({slow_limit:g} s)"
        ),
    )


def _memory(peak_bytes: int, limits: Limits) -> Check:
    megabytes = round(peak_bytes / _MEGABYTE)
    sentence = f"the process needed {megabytes:,} MB, more than canary.max_memory_mb allows"
    return Check(megabytes, limits.memory_mb, f"{sentence} ({limits.memory_mb:,} MB)")
