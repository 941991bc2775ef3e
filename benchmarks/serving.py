"""Measure the cost of REST, gRPC and the preparation of photos, against the bare SavedModel.

    python benchmarks/serving.py [--photos FOLDER] [--input-size 96] [--seconds 4] [--rounds 3]

`customer-age serve` serves a ResNet50 with random weights in a separate process, on loopback. The
clients are the usual ones: `requests`, and `grpc` with tensors in raw form. In each round the ways
take turns, so that other load on the machine affects all of them equally:

* `SavedModel`: the same model in this process, `serving_default` on the photos' files. TensorFlow
  decodes them; there is no protocol and no other process. Formats that it cannot decode are left
  out.
* `REST, base64`, `REST, binary` and `gRPC`: one request after another.

The table shows requests of 1, 8 and 32 photos: milliseconds of a request (median and 95th
percentile), photos per second, and the share of the SavedModel's rate (the median of the shares in
each round). Then 8 callers send one photo each over gRPC at once, to measure micro-batching.

By default the photos are drawn faces.
"""

import argparse
import base64
import math
import os
import re
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

BATCHES = (1, 8, 32)
CALLERS = 8
SAVED_MODEL = "SavedModel"
DECODED = (".jpg", ".jpeg", ".png", ".bmp", ".gif")

Ask = Callable[[Sequence[bytes]], object]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, help="a folder with photos in it")
    parser.add_argument("--input-size", type=int, default=96, help="pixels that the network sees")
    parser.add_argument("--seconds", type=float, default=4, help="seconds per way and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--export", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if arguments.export:
        export(arguments.export, arguments.input_size)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model" / "1"
        command = [sys.executable, __file__, "--input-size", str(arguments.input_size)]
        subprocess.run([*command, "--export", str(folder)], check=True, capture_output=True)
        photos = read(arguments.photos or drawn(Path(temporary) / "faces"))
        size = statistics.median(map(len, photos)) / 1000
        cores = len(os.sched_getaffinity(0))
        print(f"{cores} cores, {len(photos)} photos of {size:.0f} kB, "
              f"input size {arguments.input_size}")  # fmt: skip
        with server(folder) as (port, grpc_port):
            measure(folder, photos, port, grpc_port, arguments)


def export(folder: Path, input_size: int) -> None:
    """Export a model as the Trainer does."""
    import numpy as np

    from customer_age.components.trainer import model
    from customer_age.components.trainer.serving_graph import signatures

    network = model.build_model(input_size, "none", 0.0, np.array([30.0]))
    signatures.export(model.as_served(network), str(folder))


def drawn(folder: Path) -> Path:
    """Draw faces."""
    from customer_age.pipeline.demo_faces import write_demo_faces

    write_demo_faces(folder, count=256, size=200, seed=0)
    return folder


def read(folder: Path) -> list[bytes]:
    """Return at most 256 photos that the SavedModel can also decode."""
    found = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in DECODED]
    return [file.read_bytes() for file in found[:256]]


class server:  # noqa: N801  a context manager, as contextlib's are called
    """`customer-age serve` with its default limits; yields its two ports."""

    def __init__(self, folder: Path) -> None:
        self._command = [str(Path(sys.executable).parent / "customer-age"), "serve"]
        self._command += ["--model", str(folder), "--port", "0", "--grpc-port", "0"]

    def __enter__(self) -> tuple[int, int]:
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        log = self._process.stderr
        port, grpc_port = map(int, re.findall(r"port (\d+)", log.readline()))
        if "ready" not in log.readline():
            sys.exit("the server is not ready")
        return port, grpc_port

    def __exit__(self, *_: object) -> None:
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                print(f"\npeak memory of the server: {int(line.split()[1]) / 1000:.0f} MB")
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()


def measure(
    folder: Path, photos: list[bytes], port: int, grpc_port: int, arguments: argparse.Namespace
) -> None:
    """Print both tables."""
    ways = {
        SAVED_MODEL: saved_model(folder),
        "REST, base64": rest_base64(port),
        "REST, binary": rest_binary(port),
        "gRPC": over_grpc(grpc_port),
    }
    check_agreement(ways, photos[:8])
    print("\n| photos in a request | way | p50, ms | p95, ms | photos/s | of the SavedModel |")
    print("| --: | --- | --: | --: | --: | --: |")
    alone = []
    for size in BATCHES:
        seconds: dict[str, list[list[float]]] = {name: [] for name in ways}
        for _ in range(arguments.rounds):
            for name, ask in ways.items():
                seconds[name].append(list(timed(ask, photos, size, arguments.seconds)))
        rates = {name: [size / statistics.mean(each) for each in rounds]
                 for name, rounds in seconds.items()}  # fmt: skip
        alone = rates["gRPC"] if size == 1 else alone
        for name, rounds in seconds.items():
            every = sorted(second for each in rounds for second in each)
            p50, p95 = statistics.median(every), every[math.ceil(0.95 * len(every)) - 1]
            share = median_share(rates[name], rates[SAVED_MODEL])
            rate = statistics.median(rates[name])
            print(f"| {size} | {name} | {1000 * p50:.1f} | {1000 * p95:.1f} "
                  f"| {rate:.0f} | {share:.0%} |", flush=True)  # fmt: skip
    together = [
        at_once(lambda: over_grpc(grpc_port), photos, arguments.seconds)
        for _ in range(arguments.rounds)
    ]
    print(f"\n{CALLERS} callers at once over gRPC, a photo each: "
          f"{statistics.median(together):.0f} photos/s, "
          f"{median_share(together, alone):.0%} of one caller's")  # fmt: skip


def median_share(some: Sequence[float], of: Sequence[float]) -> float:
    """Return the median of the rates' ratios to another way in the same rounds."""
    return statistics.median(one / other for one, other in zip(some, of, strict=True))


def timed(ask: Ask, photos: list[bytes], size: int, seconds: float) -> Iterator[float]:
    """Send requests for this many seconds; yield the seconds of each, except the first two."""
    until = time.monotonic() + seconds
    for number in range(10**9):
        batch = [photos[(number * size + place) % len(photos)] for place in range(size)]
        started = time.perf_counter()
        ask(batch)
        if number > 1:
            yield time.perf_counter() - started
            if time.monotonic() > until:
                return


def at_once(client: Callable[[], Ask], photos: list[bytes], seconds: float) -> float:
    """Return the photos per second of several callers, each with its own connection."""
    answered = [0] * CALLERS
    until = time.monotonic() + seconds

    def call(number: int) -> None:
        ask = client()
        while time.monotonic() < until:
            ask([photos[(number + answered[number]) % len(photos)]])
            answered[number] += 1

    callers = [threading.Thread(target=call, args=(number,)) for number in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return sum(answered) / seconds


def check_agreement(ways: dict[str, Ask], photos: list[bytes]) -> None:
    """Check that all ways return the same ages, within one year."""
    ages = {name: list(map(float, ask(photos))) for name, ask in ways.items()}  # type: ignore[call-overload]
    for name, returned in ages.items():
        apart = max(abs(a - b) for a, b in zip(returned, ages[SAVED_MODEL], strict=True))
        if apart > 1:
            sys.exit(f"{name}: {apart:.1f} years from the SavedModel's ages")


def saved_model(folder: Path) -> Ask:
    """Return a function that calls the bare model."""
    from customer_age.pipeline.prediction.age_model import AgeModel

    model = AgeModel(folder)
    return model.ages


def rest_base64(port: int) -> Ask:
    """Return a client that sends photos in base64, as with curl."""
    import requests

    session, url = requests.Session(), _url(port)

    def ask(photos: Sequence[bytes]) -> object:
        data = [base64.b64encode(photo).decode() for photo in photos]
        answer = session.post(url, json=_request(len(photos), data=data)).json()
        return answer["outputs"][0]["data"]

    return ask


def rest_binary(port: int) -> Ask:
    """Return a client that sends photos as bytes after the JSON."""
    import json

    import requests

    session, url = requests.Session(), _url(port)

    def ask(photos: Sequence[bytes]) -> object:
        behind = _elements(photos)
        size = {"binary_data_size": len(behind)}
        head = json.dumps(_request(len(photos), parameters=size)).encode()
        headers = {"Inference-Header-Content-Length": str(len(head))}
        answer = session.post(url, data=head + behind, headers=headers).json()
        return answer["outputs"][0]["data"]

    return ask


def over_grpc(port: int) -> Ask:
    """Return a client that sends photos as bytes in a gRPC message."""
    import grpc

    from customer_age.pipeline.serving.grpc_messages import SERVICE, message_class

    channel = grpc.insecure_channel(
        f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]
    )
    infer = channel.unary_unary(
        f"/{SERVICE}/ModelInfer",
        request_serializer=message_class("ModelInferRequest").SerializeToString,
        response_deserializer=message_class("ModelInferResponse").FromString,
    )

    def ask(photos: Sequence[bytes]) -> object:
        tensor = {"name": "image_bytes", "datatype": "BYTES", "shape": [len(photos)]}
        request = message_class("ModelInferRequest")(
            model_name="customer-age", inputs=[tensor], raw_input_contents=[_elements(photos)]
        )
        [ages, _] = infer(request).raw_output_contents
        return struct.unpack(f"<{len(photos)}f", ages)

    return ask


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v2/models/customer-age/infer"


def _request(photos: int, **tensor: object) -> dict[str, object]:
    described = {"name": "image_bytes", "datatype": "BYTES", "shape": [photos]}
    return {"inputs": [described | tensor]}


def _elements(photos: Sequence[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(photo)) + photo for photo in photos)


if __name__ == "__main__":
    main()
