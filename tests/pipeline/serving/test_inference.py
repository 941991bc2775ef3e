"""Micro-batches and the admission of requests, with models that answer on command."""

import threading
import time
from concurrent.futures import wait

import pytest

from customer_age.errors import RunError
from customer_age.photos.spec import PhotoSpec
from customer_age.pipeline.serving import inference as inference_module
from customer_age.pipeline.serving.inference import Inference
from customer_age.pipeline.serving.inference_request import (
    Answer,
    InferenceRefused,
    Limits,
    Problem,
)
from customer_age.pipeline.serving.micro_batches import Batching, MicroBatches
from customer_age.pipeline.serving.served_model import ServedModel
from customer_age.pipeline.serving.serving_metrics import ServingMetrics
from customer_age.schema.refusals import PhotoRefused, Reason


class SlowModel:
    """Answers a photo with its number, but only after it is released."""

    def __init__(self):
        self.batches = []
        self.go = threading.Event()
        self.called = threading.Event()

    def ages(self, photos):
        self.batches.append(len(photos))
        self.called.set()
        assert self.go.wait(10)
        return [float(photo) for photo in photos]


def prepared(photo):
    if photo == b"broken":
        raise PhotoRefused(Reason.DAMAGED, "cannot be decoded")
    return photo


@pytest.fixture
def batches():
    made = []

    def make(prepare, ages, **batching):
        made.append(MicroBatches(prepare, ages, Batching(**batching)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_photos_that_come_while_the_model_works_are_its_next_batch(batches):
    model = SlowModel()
    made = batches(prepared, model.ages, photos=4)
    first = made.submit(b"1")
    assert model.called.wait(10)
    others = [made.submit(photo) for photo in (b"2", b"3", b"broken", b"4", b"5", b"6")]
    ends = time.monotonic() + 10
    while made._coming:
        assert time.monotonic() < ends
        time.sleep(0.01)
    model.go.set()
    ages = [each.result(10) for each in (first, *others)]
    assert ages == [Answer(1.0), Answer(2.0), Answer(3.0), Answer(-1.0, "damaged"), Answer(4.0),
                    Answer(5.0), Answer(6.0)]  # fmt: skip
    assert model.batches == [1, 4, 1]


def test_a_photo_that_comes_alone_does_not_wait_for_others(batches):
    made = batches(prepared, lambda photos: [1.0] * len(photos), wait_seconds=5)
    started = time.monotonic()
    assert made.submit(b"1").result(10) == Answer(1.0)
    assert time.monotonic() - started < 4


def test_a_photo_waits_for_decoding_of_another_but_not_too_long(batches):
    slow, sizes = threading.Event(), []

    def prepare(photo):
        if photo == b"slow":
            assert slow.wait(10)
        return photo

    def ages(photos):
        sizes.append(len(photos))
        return [1.0] * len(photos)

    made = batches(prepare, ages, wait_seconds=0.2)
    behind = made.submit(b"slow")
    started = time.monotonic()
    assert made.submit(b"1").result(10) == Answer(1.0)
    assert 0.15 < time.monotonic() - started < 2
    slow.set()
    assert behind.result(10) == Answer(1.0)
    assert sizes == [1, 1]
    # A photo that is decoded in time is in the same call.
    slow.clear()
    made = batches(prepare, ages, wait_seconds=10)
    both = [made.submit(b"slow"), made.submit(b"1")]
    time.sleep(0.05)  # without a wait the model would be called for one
    slow.set()
    wait(both, 10)
    assert sizes == [1, 1, 2]


def test_an_error_is_that_of_its_batch_alone(batches):
    answers = iter([ValueError("cannot"), [1.0, 2.0], [3.0]])

    def ages(photos):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    made = batches(prepared, ages)
    with pytest.raises(ValueError, match="cannot"):
        made.submit(b"1").result(10)
    with pytest.raises(ValueError, match="zip"):  # two ages for one photo
        made.submit(b"1").result(10)
    assert made.submit(b"1").result(10) == Answer(3.0)


def ready(model, **limits):
    made = Inference("age", Limits(**limits), Batching(), ServingMetrics())
    made.serve(ServedModel("7", model, PhotoSpec(stored_size=64)))
    return made


class Constant:
    def __init__(self, age=30.04):
        self.age = age

    def ages(self, photos):
        return [self.age] * len(photos)


def test_ages_are_to_a_tenth_as_predict_has_them(grey):
    assert ready(Constant()).answers([grey(1)]) == [Answer(30.0)]


def test_nothing_is_answered_before_the_model_is_loaded():
    empty = Inference("age", Limits(), Batching(), ServingMetrics())
    assert not empty.ready
    for ask in (lambda: empty.version("age"), lambda: empty.answers([b""])):
        with pytest.raises(InferenceRefused, match="being loaded") as refused:
            ask()
        assert refused.value.problem is Problem.NOT_READY


def test_a_model_that_cannot_answer_for_a_photo_never_is_ready():
    class Broken:
        def ages(self, photos):
            raise RunError("the model does not return a valid age for each photo: roll back")

    made = Inference("age", Limits(), Batching(), ServingMetrics())
    with pytest.raises(RunError, match="roll back"):
        made.serve(ServedModel("7", Broken(), PhotoSpec()))
    assert not made.ready


def test_no_more_requests_are_admitted_than_the_limit():
    made = ready(Constant(), requests=2)
    with made.admitted(), made.admitted():
        with pytest.raises(InferenceRefused) as refused, made.admitted():
            pass
        assert refused.value.problem is Problem.BUSY
    with made.admitted():
        pass


def test_requests_in_progress_are_finished_and_new_ones_refused():
    made = ready(Constant())
    with made.admitted():
        stopping = threading.Thread(target=made.stop, args=(10,))
        stopping.start()
        while made.ready:
            time.sleep(0.01)
        with pytest.raises(InferenceRefused, match="stopping"), made.admitted():
            pass
        assert stopping.is_alive()
    stopping.join(5)
    assert not stopping.is_alive()


def test_a_model_that_hangs_is_given_up(monkeypatch, grey):
    model = SlowModel()
    model.go.set()
    monkeypatch.setattr(model, "ages", lambda photos: [1.0] * len(photos))
    made = ready(model)
    monkeypatch.setattr(inference_module, "ANSWER_SECONDS", 0.1)
    hangs = threading.Event()
    monkeypatch.setattr(made._loaded.batches, "_ages", lambda photos: hangs.wait(10) and [1.0])
    with pytest.raises(InferenceRefused, match="no answer within") as refused:
        made.answers([grey(1)])
    assert refused.value.problem is Problem.OVERDUE
    hangs.set()
