"""The Open Inference Protocol's REST form, with a client that is independent of our code."""

import gzip
import io
import json
import re
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

from customer_age.photos.spec import PhotoSpec
from customer_age.pipeline.cli.serve import serve
from customer_age.pipeline.prediction.photo_sources import PhotoFile
from customer_age.pipeline.prediction.predictor import Predictor
from customer_age.schema import age_groups
from customer_age.schema.refusals import Reason

SPEC = PhotoSpec(stored_size=64, min_size=16, jpeg_quality=92)

TENSORS = {
    "inputs": [{"name": "image_bytes", "datatype": "BYTES", "shape": [-1]}],
    "outputs": [
        {"name": "age", "datatype": "FP32", "shape": [-1]},
        {"name": "reason", "datatype": "BYTES", "shape": [-1]},
    ],
}


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v2", {"name": "customer-age", "version": "0.1.0", "extensions": ["binary_tensor_data"]}),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/age/ready", {"name": "age", "ready": True}),
        ("/v2/models/age/versions/7/ready", {"name": "age", "ready": True}),
        (
            "/v2/models/age",
            {"name": "age", "versions": ["7"], "platform": "tensorflow_savedmodel", **TENSORS},
        ),
    ],
)
def test_metadata_and_health_are_served(served, path, answer):
    response = served.get(path)
    assert (response.status_code, response.json()) == (200, answer)
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/v2/models/age/infer", "/v2/models/age/versions/7/infer"])
def test_photos_in_base64(served, request_of, grey, path):
    response = served.post(request_of(grey(90), grey(30), id="mine"), path)
    assert response.status_code == 200
    assert response.json() == {
        "model_name": "age",
        "model_version": "7",
        "id": "mine",
        "outputs": [
            {"name": "age", "datatype": "FP32", "shape": [2], "data": [30.0, 10.0]},
            {"name": "reason", "datatype": "BYTES", "shape": [2], "data": ["", ""]},
        ],
    }


def test_one_output_alone(served, request_of, grey):
    body = request_of(grey(90), outputs=[{"name": "reason"}])
    assert [each["name"] for each in served.post(body).json()["outputs"]] == ["reason"]


def test_photos_as_bytes_and_answers_too(served, elements, grey):
    """The binary tensor extension in both directions."""
    behind = elements(grey(60), b"no photo")
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "image_bytes",
                    "datatype": "BYTES",
                    "shape": [2],
                    "parameters": {"binary_data_size": len(behind)},
                }
            ],
            "parameters": {"binary_data_output": True},
            "outputs": [{"name": "age"}, {"name": "reason", "parameters": {"binary_data": True}}],
        }
    ).encode()
    length = {"Inference-Header-Content-Length": str(len(head))}
    response = served.post(head + behind, **length)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/octet-stream"
    size = int(response.headers["Inference-Header-Content-Length"])
    age, reason = json.loads(response.content[:size])["outputs"]
    assert (age["shape"], age["parameters"]) == ([2], {"binary_data_size": 8})
    assert "data" not in age and "data" not in reason
    assert struct.unpack("<2f", response.content[size : size + 8]) == (20.0, -1.0)
    assert response.content[size + 8 :] == elements(b"", b"not_an_image")


def test_a_photo_that_cannot_be_used_has_a_reason_and_stops_no_other(served, grey, encode, photo):
    whole = photo(3, (200, 200))
    photos = [grey(30), whole[:-300], b"", grey(9, (9, 9)), b"GIF8 and no more", grey(60)]
    assert served.rest(*photos) == [
        (10.0, ""),
        (-1.0, "truncated"),
        (-1.0, "file_empty"),
        (-1.0, "too_small"),
        (-1.0, "not_an_image"),
        (20.0, ""),
    ]


def files_of_all_kinds():
    random = np.random.default_rng(5)
    ramp = np.linspace(20, 230, 90)[None, :, None] + random.normal(0, 4, (60, 90, 3))
    picture = Image.fromarray(np.clip(ramp, 0, 255).astype(np.uint8))
    deep = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = Image.fromarray(np.clip(ramp, 0, 255).astype(np.uint8)).transpose(
        Image.Transpose.ROTATE_90
    )
    for name, image, file_format, options in (
        ("jpeg", picture, "JPEG", {}),
        ("turned", wide, "JPEG", {"exif": exif}),
        ("deep", deep, "PNG", {}),
        ("webp", picture, "WEBP", {"lossless": True}),
        ("tiff", picture, "TIFF", {}),
        ("cmyk", picture.convert("CMYK"), "JPEG", {}),
    ):
        file = io.BytesIO()
        image.save(file, file_format, **options)
        yield name, file.getvalue()


def test_ages_are_those_of_predict_for_files_of_all_kinds(served, tmp_path):
    kinds = dict(files_of_all_kinds())
    predictor = Predictor(served.model, SPEC, age_groups.parse(["0-17", "18+"]))
    for name, content in kinds.items():
        (tmp_path / name).write_bytes(content)
    rows = predictor.predict_batch([PhotoFile(name, str(tmp_path / name)) for name in kinds])
    answers = served.rest(*kinds.values())
    assert [reason for _, reason in answers] == [""] * len(kinds)
    assert [age for age, _ in answers] == pytest.approx([row.age for row in rows], abs=1e-3)
    # The model distinguishes left and right: a photo not rotated would be 10 years younger.
    ages = dict(zip(kinds, (age for age, _ in answers), strict=True))
    assert ages["turned"] == pytest.approx(ages["jpeg"], abs=0.3)
    assert ages["jpeg"] > 48


def test_concurrent_requests_get_the_ages_that_they_get_alone(served, grey, photo):
    photos = [photo(seed) for seed in range(12)] + [b"no photo", grey(45)]
    alone = [served.rest(each)[0] for each in photos]
    assert len({age for age, _ in alone}) > 6
    with ThreadPoolExecutor(10) as callers:
        for _ in range(3):
            answers = [callers.submit(served.rest, each, photos[0]) for each in photos]
            assert [each.result() for each in answers] == [[each, alone[0]] for each in alone]


def tensor(**changes):
    usual = {"name": "image_bytes", "datatype": "BYTES", "shape": [1], "data": ["aGFsbG8="]}
    return {"inputs": [{name: v for name, v in (usual | changes).items() if v is not None}]}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "JSON"),
        (b"[1, 2", 400, "JSON"),
        (b"\xff\xfe\x00", 400, "JSON"),
        (b"[" * 100_000, 400, "recursion limit"),
        (b'{"inputs": ' * 20_000, 400, "recursion limit"),
        ({}, 400, "inputs: Field required"),
        ({"inputs": []}, 400, "there must be one input"),
        ({"inputs": {"a": 1}}, 400, "inputs: Input should be a valid"),
        ({"inputs": tensor()["inputs"] * 2}, 400, "there are 2"),
        (tensor(name="photos"), 400, "the only input is image_bytes"),
        (tensor(datatype="FP32"), 400, "BYTES"),
        (tensor(shape=[0], data=[]), 400, "at least 1"),
        (tensor(shape=[]), 400, "shape"),
        (tensor(shape=[1, 1]), 400, "shape"),
        (tensor(shape=[-1]), 400, "shape"),
        (tensor(shape=["1"]), 400, "shape"),
        (tensor(shape=[10**30]), 400, "shape"),
        (tensor(shape=[2]), 400, "the shape is 2 photos; there are 1"),
        (tensor(shape=[9], data=["aGFs"] * 9), 413, "a request may have 8"),
        (tensor(data=["aGFs"] * 9), 400, "there are 9"),
        (tensor(data=["not base64!"]), 400, "not base64"),
        (tensor(data=["aGFsb"]), 400, "not base64"),
        (tensor(data=["aG!Fs"]), 400, "not base64"),  # some decoders accept it
        (tensor(data=["aG\nFs"]), 400, "not base64"),
        (tensor(data=["aGFs__--"]), 400, "not base64"),  # another alphabet
        (tensor(data=["\N{SNOWMAN}"]), 400, "not base64"),
        (tensor(data=[1.5]), 400, "inputs.0.data.0"),
        (tensor(data=None), 400, "must have data"),
        (tensor(data=["AAAA" * 40_000]), 413, "more than 100000 bytes"),
        (tensor(parameters={"binary_data_size": 4}), 400, "binary_data_size"),
        (tensor(data=None, parameters={"binary_data_size": 4}), 400, "the body's length differs"),
        (tensor(data=None, parameters={"binary_data_size": -4}), 400, "binary_data_size"),
        (tensor(data=None, parameters={"binary_data_size": "4"}), 400, "binary_data_size"),
        (tensor() | {"outputs": [{"name": "name"}]}, 400, "outputs are age and reason"),
        (tensor() | {"outputs": [{"name": "age"}] * 2}, 400, "at most once"),
        (tensor() | {"id": "x" * 1000}, 400, "id: "),
        (b" " * 600_000, 413, "a request may have 500000 bytes"),
    ],
)
def test_an_invalid_request_is_refused_in_one_line(served, body, status, says):
    response = served.post(body)
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    error = response.json()["error"]
    assert says in error
    assert "\n" not in error and len(error) < 200


@pytest.mark.parametrize(
    ("behind", "length", "says"),
    [
        (b"\x05\0\0\0ab", None, "shorter than its stated length"),
        (b"\x05\0", None, "cut off"),
        (b"\xff\xff\xff\xff", None, "more than 100000 bytes"),
        (b"\0\0\0\0" * 9, None, "a request may have 8 photos"),
        (b"\0\0\0\0", "-1", "must be a number of bytes"),
        (b"\0\0\0\0", "1" * 5000, "must be a number of bytes"),
        (b"\0\0\0\0", "99999", "is larger than the body"),
        (b"\0\0\0\0", "0", "JSON"),
    ],
)
def test_invalid_tensor_bytes_are_refused(served, behind, length, says):
    size = {"binary_data_size": len(behind)}
    head = json.dumps(tensor(data=None, parameters=size)).encode()
    response = served.post(
        head + behind, **{"Inference-Header-Content-Length": length or str(len(head))}
    )
    assert response.status_code in (400, 413)
    assert says in response.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/age/versions/8", 404),
        ("GET", "/v2/models/age/versions/8/ready", 404),
        ("POST", "/v2/models/other/infer", 404),
        ("POST", "/v2/models/age/versions/8/infer", 404),
        ("POST", "/v2/models/age%2F..%2Fage/infer", 404),
        ("GET", "/v2/models/age/infer", 405),
        ("POST", "/v2", 405),
        ("GET", "/", 404),
        ("GET", "/v2/", 404),
    ],
)
def test_an_unknown_address_is_404(served, request_of, grey, method, path, status):
    response = requests.request(method, served.url(path), json=request_of(grey(1)), timeout=30)
    assert response.status_code == status
    assert set(response.json()) == {"error"}


def test_a_compressed_body_is_refused(served, request_of, grey):
    body = gzip.compress(json.dumps(request_of(grey(1))).encode())
    assert served.post(body, **{"Content-Encoding": "gzip"}).status_code == 415


def test_a_caller_who_hangs_up_disturbs_no_other(served, grey):
    for sent in (b"POST", b"POST /v2/models/age/infer HTTP/1.1\r\nHost: x\r\n"
                 b"Content-Length: 1000\r\n\r\n{"):  # fmt: skip
        with socket.create_connection(("127.0.0.1", served.rest_port)) as caller:
            caller.sendall(sent)
    assert served.rest(grey(90)) == [(30.0, "")]


def test_a_body_in_parts_without_a_length(served, request_of, grey):
    body = json.dumps(request_of(grey(90))).encode()
    parts = (body[place : place + 100] for place in range(0, len(body), 100))
    url = served.url("/v2/models/age/infer")
    assert requests.post(url, data=parts, timeout=30).json()["outputs"][0]["data"] == [30.0]
    endless = (b" " * 1000 for _ in range(2000))
    assert requests.post(url, data=endless, timeout=30).status_code == 413


def count(served, name):
    text = served.get("/metrics").text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


def test_metrics_count_requests_photos_and_reasons(served, grey):
    names = (
        'customer_age_requests_total{code="200",protocol="rest"}',
        'customer_age_requests_total{code="404",protocol="rest"}',
        "customer_age_photos_total",
        'customer_age_refused_photos_total{reason="not_an_image"}',
        'customer_age_request_seconds_count{protocol="rest"}',
    )
    before = [count(served, name) for name in names]
    served.rest(grey(1), b"x", b"y")
    served.post({}, "/v2/models/4111111111111111/infer")
    assert [count(served, name) - b for name, b in zip(names, before, strict=True)] == [
        1, 1, 3, 2, 2,
    ]  # fmt: skip
    assert count(served, 'customer_age_model{name="age",version="7"}') == 1
    assert count(served, "customer_age_requests_running ") == 0
    response = served.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert "4111111111111111" not in response.text


def test_the_page_s_request_has_the_page_s_answer(served):
    page = (Path(__file__).parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")
    request, answer = (json.loads(each) for each in re.findall(r"```json\n(.+?)\n```", page, re.S))
    response = served.post(request)
    assert response.status_code == 200
    here = {"model_name": "age", "model_version": "7"}
    assert response.json() == answer | here


def test_the_page_names_the_verb_s_options_reasons_and_metrics(served):
    page = (Path(__file__).parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")
    defaults = {option.opts[0]: option.default for option in serve.params}
    named = set(re.findall(r"`(--[a-z-]+)`", page))
    assert named - {"--set"} <= set(defaults)
    limits = re.findall(r"^\| `(--max-[a-z-]+)`.*? \| (\d+)( MiB)? \|", page, re.M)
    assert {name: int(value) * (2**20 if unit else 1) for name, value, unit in limits} == {
        name: defaults[name]
        for name in ("--max-photo-bytes", "--max-photos", "--max-request-bytes", "--max-requests")
    }
    metrics = set(re.findall(r"^# HELP (customer_age_\w+)", served.get("/metrics").text, re.M))
    listed = set(re.findall(r"^\| `(customer_age_\w+)", page, re.M))
    assert listed == {name for name in metrics if not name.endswith("_created")}
    sentence = page[page.index("The reasons are") :].split("\n\n")[0]
    reasons = set(re.findall(r"`([a-z_]+)`", sentence)) - {"outputs"}
    assert "truncated" in reasons and reasons <= set(Reason)
