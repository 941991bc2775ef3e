"""One small model behind both ports, for all tests of this room in a process."""

import base64
import struct
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import requests

from customer_age.photos.spec import PhotoSpec
from customer_age.pipeline.prediction.age_model import AgeModel
from customer_age.pipeline.serving import rest
from customer_age.pipeline.serving.grpc_messages import SERVICE, message_class
from customer_age.pipeline.serving.inference import Inference
from customer_age.pipeline.serving.inference_request import Limits
from customer_age.pipeline.serving.listeners import GrpcListener, RestListener
from customer_age.pipeline.serving.micro_batches import Batching
from customer_age.pipeline.serving.served_model import ServedModel
from customer_age.pipeline.serving.serving_metrics import ServingMetrics

SPEC = PhotoSpec(stored_size=64, min_size=16, jpeg_quality=92)
LIMITS = Limits(photo_bytes=100_000, photos=8, request_bytes=500_000, requests=16)


def write_model(folder: Path) -> Path:
    """A SavedModel that returns a third of a grey photo's brightness; right counts more."""
    import tensorflow as tf

    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
        def serve(self, image_bytes):
            def age(encoded):
                pixels = tf.io.decode_jpeg(encoded, 3, dct_method="INTEGER_ACCURATE")
                columns = tf.reduce_mean(tf.cast(pixels, tf.float32), axis=[0, 2])
                return tf.reduce_mean(columns * tf.linspace(0.0, 2 / 3, tf.size(columns)))

            return {"age": tf.map_fn(age, image_bytes, fn_output_signature=tf.float32)}

    model = Model()
    tf.saved_model.save(model, str(folder), signatures={"serving_default": model.serve})
    return folder


@dataclass(frozen=True)
class Served:
    """Both ports, and clients that use only the protocol."""

    model: AgeModel
    inference: Inference
    rest_port: int
    channel: grpc.Channel

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.rest_port}{path}"

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url(path), timeout=30)

    def post(self, body, path="/v2/models/age/infer", **headers) -> requests.Response:
        if not isinstance(body, bytes):
            return requests.post(self.url(path), json=body, headers=headers, timeout=30)
        return requests.post(self.url(path), data=body, headers=headers, timeout=30)

    def rest(self, *photos: bytes) -> list[tuple[float, str]]:
        """Return each photo's age and reason, over REST."""
        response = self.post(infer_request(*photos))
        assert response.status_code == 200, response.text
        age, reason = (output["data"] for output in response.json()["outputs"])
        return list(zip(age, reason, strict=True))

    def call(self, method: str, **fields):
        """Call a method over gRPC."""
        return self.channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=message_class(f"{method}Request").SerializeToString,
            response_deserializer=message_class(f"{method}Response").FromString,
        )(message_class(f"{method}Request")(**fields), timeout=30)


def infer_request(*photos: bytes, **more) -> dict:
    data = [base64.b64encode(photo).decode() for photo in photos]
    tensor = {"name": "image_bytes", "datatype": "BYTES", "shape": [len(photos)], "data": data}
    return {"inputs": [tensor], **more}


def as_elements(*photos: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(photo)) + photo for photo in photos)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory) -> Path:
    return write_model(tmp_path_factory.mktemp("served") / "7")


@pytest.fixture(scope="session")
def served(model_folder):
    """The model `age`, version 7."""
    inference = Inference("age", LIMITS, Batching(photos=6, wait_seconds=0.02), ServingMetrics())
    http = RestListener(rest.application(inference), "127.0.0.1", 0, 1)
    over_grpc = GrpcListener(inference, "127.0.0.1", 0)
    http.start()
    over_grpc.start()
    model = AgeModel(model_folder)
    inference.serve(ServedModel("7", model, SPEC))
    with grpc.insecure_channel(f"127.0.0.1:{over_grpc.port}") as channel:
        yield Served(model, inference, http.port, channel)
    http.stop()
    over_grpc.stop(0)
    http.wait(5)
    over_grpc.wait(5)


@pytest.fixture(scope="session")
def request_of():
    return infer_request


@pytest.fixture(scope="session")
def elements():
    return as_elements
