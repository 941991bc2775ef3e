"""The judgement, without a process."""

import io

from PIL import Image

from customer_age.components.canary import checks
from customer_age.components.canary.requests import ALONE, BATCH, STORED, Request, requests_for
from customer_age.components.canary.worker_process import Answer, Measurements
from customer_age.photos.spec import PhotoSpec
from customer_age.schema.refusals import NO_AGE

SPEC = PhotoSpec(min_size=16)
LIMITS = checks.Limits(seconds_per_photo=2.0, memory_mb=1000)


def measured(**changes) -> Measurements:
    answers = {
        "a grey photo": Answer(((31.0,),), (0.9,)),
        BATCH: Answer(((30.0, 40.0), (30.0, 40.004), (30.0, 40.0)), (9.0, 3.0, 4.0)),
        ALONE: Answer(((30.0,),) * 4, (9.0, 0.5, 0.1, 0.3)),
        STORED: Answer(((30.009, 40.0),), (3.0,)),
    }
    found = Measurements(answers, 600_000_000, "")
    return Measurements(**(vars(found) | changes))


def test_measurements_have_their_limits():
    found = checks.judge(measured(), LIMITS)
    assert found.passed
    measurements = found.model_dump()["checks"]
    assert measurements["seconds_per_photo"] == {"measured": 0.3, "limit": 2.0, "passed": True}
    assert measurements["seconds_per_photo_p95"] == {"measured": 0.5, "limit": 6.0, "passed": True}
    assert measurements["seconds_per_batch"]["measured"] == 3.5, "the first time does not count"
    assert measurements["seconds_per_batch_p95"]["measured"] == 4.0
    assert round(measurements["years_apart_twice"]["measured"], 4) == 0.004
    assert round(measurements["years_apart_signatures"]["measured"], 4) == 0.009
    assert measurements["memory_mb"] == {"measured": 600, "limit": 1000, "passed": True}


def test_the_limits_are_inclusive():
    assert checks.judge(measured(peak_bytes=1_000_000_000), LIMITS).passed
    found = checks.judge(measured(peak_bytes=1_001_000_000), LIMITS)
    assert found.refusals == [
        "the process needed 1,001 MB, more than canary.max_memory_mb allows (1,000 MB)"
    ]


def test_ages_at_the_ends_of_the_range_are_valid():
    ends = {"a grey photo": Answer(((0.0, 120.0),), (0.1,))}
    assert checks.judge(measured(answers=ends), LIMITS).passed
    for age in (-0.1, 120.1, float("nan"), float("inf")):
        found = checks.judge(measured(answers={"it": Answer(((age,),), (0.1,))}), LIMITS)
        assert len(found.refusals) == 1, age


def test_a_process_that_did_not_end_well_is_the_first_reason():
    failed = measured(failure="the worker process was killed by SIGKILL", peak_bytes=None)
    found = checks.judge(failed, checks.Limits(0.01, 1000))
    assert found.refusals[0] == "the worker process was killed by SIGKILL"
    assert len(found.refusals) == 5
    assert "memory_mb" not in found.checks


def test_files_without_an_age_need_a_reason_and_leave_the_others_alone():
    request = Request("it", "", "", (b"",) * 3, unusable=frozenset({1}))
    for ages, reasons, refused in (
        ((30.0, NO_AGE, 30.2), ("", "damaged", ""), 0),
        ((30.0, NO_AGE, 30.2), ("", "", ""), 1),
        ((30.0, NO_AGE, 30.2), (), 1),
        ((30.0, 30.0, 30.0), ("", "damaged", ""), 1),
        ((30.0, float("nan"), 30.2), ("", "damaged", ""), 1),
        ((30.0, NO_AGE, NO_AGE), ("", "damaged", "damaged"), 2),
    ):
        answers = {"it": Answer((ages,), (0.1,), reasons=reasons)}
        found = checks.judge(Measurements(answers, 1, ""), LIMITS, [request])
        assert len(found.refusals) == refused, (ages, reasons, found.refusals)


def test_a_file_has_the_age_of_the_photo_that_a_run_makes_of_it():
    files = Request("it", "", "", (b"",) * 2)
    examples = Request("it, prepared", "", "", (b"",) * 2, prepares="it")
    evaluated = Answer(((30.0, 50.0),))
    for ages, refused in (((30.29, 49.8), 0), ((30.3, 49.6), 1)):
        answers = {"it": Answer((ages,)), "it, prepared": evaluated}
        found = checks.judge(Measurements(answers, 1, ""), LIMITS, [files, examples])
        assert len(found.refusals) == refused, found.refusals
        if refused:
            assert (
                "it: the ages as served and as evaluated are 0.40 years apart" in found.refusals[0]
            )


def test_the_edge_cases_are_photos_that_a_run_accepts():
    for spec in (PhotoSpec(stored_size=32, min_size=32), PhotoSpec(min_size=1), PhotoSpec()):
        sent = {request.name: request for request in requests_for([_jpeg(9)], spec)}
        assert f"a photo of {spec.min_size}x{spec.min_size} pixels" in sent
        for request in sent.values():
            if request.prepares and request.prepares != BATCH:
                assert len(request.values) == len(sent[request.prepares].values)
        unusable = sent["unusable files between two photos"]
        assert len(unusable.unusable) == (9 if spec.min_size == 1 else 10)


def _jpeg(brightness):
    file = io.BytesIO()
    Image.new("L", (45, 40), brightness).save(file, "JPEG")
    return file.getvalue()


def test_few_photos_are_repeated_and_many_are_cut():
    for number in (1, 5, 64, 100):
        photos = [_jpeg(place) for place in range(number)]
        sent = {request.name: request for request in requests_for(photos, SPEC)}
        assert len(sent[BATCH].values) == len(sent[STORED].values) == 64
        assert set(sent[BATCH].values) == set(photos[:64])
        assert sent[ALONE].values == (photos[0],)


def test_the_95th_percentile_is_the_slowest_but_one_of_twenty():
    seconds = (9.0, *[0.1] * 18, 6.5, 7.0)
    slow = {ALONE: Answer(((30.0,),) * 21, seconds)}
    found = checks.judge(measured(answers=slow), LIMITS)
    assert found.checks["seconds_per_photo"].measured == 0.1
    assert found.refusals == [
        "the 95th percentile of 20 calls with one photo is 6.5 s, more than 3 x "
        "canary.max_seconds_per_photo (6 s)"
    ]
