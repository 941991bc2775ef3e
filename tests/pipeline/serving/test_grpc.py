"""The Open Inference Protocol's gRPC form."""

import struct

import grpc
import pytest

from customer_age.pipeline.serving.grpc_messages import SERVICE, message_class


def photos_of(*photos, **changes):
    tensor = {
        "name": "image_bytes",
        "datatype": "BYTES",
        "shape": [len(photos)],
        "contents": {"bytes_contents": photos},
    }
    return {"model_name": "age", "inputs": [tensor | changes]}


def test_health_and_metadata(served):
    assert served.call("ServerLive").live
    assert served.call("ServerReady").ready
    assert served.call("ModelReady", name="age", version="7").ready
    server = served.call("ServerMetadata")
    assert (server.name, list(server.extensions)) == ("customer-age", ["binary_tensor_data"])
    model = served.call("ModelMetadata", name="age")
    assert (model.name, list(model.versions)) == ("age", ["7"])
    described = [(each.name, each.datatype, list(each.shape)) for each in model.outputs]
    assert described == [("age", "FP32", [-1]), ("reason", "BYTES", [-1])]


def test_answers_are_those_of_rest(served, grey, photo):
    photos = [grey(90), photo(1, (90, 60)), b"no photo", b"", photo(2, (70, 80), "CMYK")]
    response = served.call("ModelInfer", id="mine", **photos_of(*photos))
    age, reason = response.outputs
    assert (response.model_name, response.model_version, response.id) == ("age", "7", "mine")
    assert (age.name, age.datatype, list(age.shape)) == ("age", "FP32", [5])
    over_rest = served.rest(*photos)
    assert list(age.contents.fp32_contents) == pytest.approx([each for each, _ in over_rest])
    assert [each.decode() for each in reason.contents.bytes_contents] == [r for _, r in over_rest]
    assert over_rest[2] == (-1.0, "not_an_image")


def test_raw_photos_have_raw_answers(served, elements, grey):
    request = photos_of(b"", b"", contents=None)
    response = served.call(
        "ModelInfer",
        **request,
        outputs=[{"name": "reason"}, {"name": "age"}],
        raw_input_contents=[elements(grey(30), b"no photo")],
    )
    assert [output.name for output in response.outputs] == ["reason", "age"]
    assert response.raw_output_contents[0] == elements(b"", b"not_an_image")
    assert struct.unpack("<2f", response.raw_output_contents[1]) == (10.0, -1.0)
    assert not any(output.HasField("contents") for output in response.outputs)


def field(number, content):
    """A length-delimited field as protobuf writes it."""
    assert number < 16 and len(content) < 2**14
    length = bytes([len(content) & 0x7F | 0x80, len(content) >> 7])
    return bytes([number << 3 | 2]) + length + content


def test_the_bytes_on_the_wire_are_the_protocol_s(served, grey):
    """Build messages from the field numbers of open_inference_grpc.proto, without our table."""
    contents = field(8, grey(90))  # InferTensorContents.bytes_contents
    tensor = field(1, b"image_bytes") + field(2, b"BYTES") + b"\x18\x01" + field(5, contents)
    parameter = field(1, b"priority") + field(2, b"\x10\x02")  # int64_param
    request = field(1, b"age") + field(2, b"7") + field(3, b"mine") + field(4, parameter)
    answer = served.channel.unary_unary(f"/{SERVICE}/ModelInfer")(
        request + field(5, tensor) + field(6, field(1, b"age")), timeout=30
    )
    ages = b"\x32\x04" + struct.pack("<f", 30.0)  # InferTensorContents.fp32_contents, packed
    output = b"\x0a\x03age\x12\x04FP32\x1a\x01\x01\x2a" + bytes([len(ages)]) + ages
    assert answer == b"\x0a\x03age\x12\x017\x1a\x04mine\x2a" + bytes([len(output)]) + output


@pytest.mark.parametrize(
    ("request_fields", "code", "says"),
    [
        (photos_of(b"x") | {"model_name": "other"}, "NOT_FOUND", "this server has the model age"),
        (photos_of(b"x") | {"model_version": "8"}, "NOT_FOUND", "this server has version 7 of age"),
        (photos_of(), "INVALID_ARGUMENT", "at least 1"),
        (photos_of(*[b"x"] * 9), "RESOURCE_EXHAUSTED", "a request may have 8"),
        (photos_of(b"x" * 100_001), "RESOURCE_EXHAUSTED", "more than 100000 bytes"),
        (photos_of(*[b"x" * 99_999] * 6), "RESOURCE_EXHAUSTED", "larger"),  # gRPC's own message
        (photos_of(b"x", shape=[2]), "INVALID_ARGUMENT", "the shape is 2 photos; there are 1"),
        (photos_of(b"x", shape=[1, 1]), "INVALID_ARGUMENT", "shape"),
        (photos_of(b"x", datatype="FP32"), "INVALID_ARGUMENT", "BYTES"),
        (photos_of(b"x", name="photos"), "INVALID_ARGUMENT", "the only input is image_bytes"),
        ({"model_name": "age"}, "INVALID_ARGUMENT", "there must be one input"),
        (photos_of(b"x") | {"outputs": [{"name": "x"}]}, "INVALID_ARGUMENT", "outputs are age"),
        (photos_of(b"x") | {"raw_input_contents": [b""]}, "INVALID_ARGUMENT", "either contents"),
        (
            photos_of(b"", contents=None) | {"raw_input_contents": [b"\x05\0\0\0ab"]},
            "INVALID_ARGUMENT",
            "shorter",
        ),
        (photos_of(b"x") | {"raw_input_contents": [b""] * 2}, "INVALID_ARGUMENT", "one element"),
    ],
)
def test_an_invalid_request_is_refused_in_one_line(served, request_fields, code, says):
    with pytest.raises(grpc.RpcError) as refused:
        served.call("ModelInfer", **request_fields)
    assert refused.value.code().name == code
    assert says in refused.value.details()
    assert "\n" not in refused.value.details()


def test_an_invalid_message_is_refused_and_the_next_one_is_answered(served, grey):
    with pytest.raises(grpc.RpcError):
        served.channel.unary_unary(f"/{SERVICE}/ModelInfer")(b"\xff" * 100, timeout=30)
    response = served.call("ModelInfer", **photos_of(grey(90)))
    assert list(response.outputs[0].contents.fp32_contents) == [30.0]


def test_requests_are_counted_by_their_status(served, grey):
    def counted(code):
        name = f'customer_age_requests_total{{code="{code}",protocol="grpc"}} '
        text = served.get("/metrics").text
        return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith(name))

    before = counted("OK"), counted("INVALID_ARGUMENT")
    served.call("ModelInfer", **photos_of(grey(90)))
    with pytest.raises(grpc.RpcError):
        served.call("ModelInfer", **photos_of(grey(90), datatype="FP32"))
    assert (counted("OK"), counted("INVALID_ARGUMENT")) == (before[0] + 1, before[1] + 1)


def test_all_messages_of_the_methods_exist():
    for name in ("ModelInferRequest", "ModelInferResponse"):
        parameters = message_class(name)().parameters
        parameters["binary_data_output"].bool_param = True
        assert parameters["binary_data_output"].WhichOneof("parameter_choice") == "bool_param"
