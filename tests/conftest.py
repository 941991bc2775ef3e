"""What tests of several rooms need: object stores on loopback, a model and photos to ask about."""

import contextlib
import csv
import gzip
import io
import logging
import os
import socket
import sqlite3
import sys
import tempfile
import threading
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from PIL import Image

sys.path.append(str(Path(__file__).parent))  # the folder beside this file

from preloaded_python import started

from customer_age.model_registry import Publication, saved_model_fingerprint

# Without a deadline, and with the same examples each time; test modules read it when imported.
hypothesis.settings.load_profile("ci")


@pytest.fixture(scope="session", autouse=True)
def _command_line_of_pytest_alone() -> None:
    """Keep `pytest -v FILE` from absl: its verbosity would be FILE, and no executor would run."""
    del sys.argv[1:]


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Finds a port of loopback for a server that cannot choose one and tell which."""
    # Other tests get theirs from the kernel, at 32768 or above: one of these could be taken again
    # before its server starts. Each worker, and each of several runs, has its own part.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = iter(range(20_000 + 1000 * (worker % 12) + os.getpid() % 500, 32_768))

    def find() -> int:
        for port in ports:
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
        raise LookupError("no port is free")

    return find


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A reserved port of loopback that refuses connections."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture(scope="session")
def preloaded_python() -> Iterator[str]:
    """A program to run in place of Python: it has already imported large libraries."""
    # Not a folder of pytest's: the path of a socket is short.
    with tempfile.TemporaryDirectory() as folder, started.preloaded_python(Path(folder)) as program:
        yield str(program)


@pytest.fixture(scope="session")
def person_key() -> Callable[[Path], Path]:
    """Writes a folder's `person.key`: with a random one, a split of a dozen people may be empty."""

    def write(folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "person.key"
        file.write_text("a key of persons, for tests")
        return file

    return write


@pytest.fixture
def s3_endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a real S3 server on loopback, empty."""
    from moto.s3.responses import S3Response
    from moto.server import ThreadedMotoServer

    put, one_at_a_time = S3Response._key_response_put, threading.Lock()

    def put_alone(*request):
        with one_at_a_time:
            return put(*request)

    # S3 decides atomically whether an object is new: moto looks, and then puts, in many threads.
    monkeypatch.setattr(S3Response, "_key_response_put", put_alone)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    # What one server was given, the next one in this process would hold too.
    reset = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset).close()
    yield endpoint
    urllib.request.urlopen(reset).close()
    server.stop()


@pytest.fixture
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that such a server takes, in the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def cloud_storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an emulator of Cloud Storage on loopback, empty; its clients find it."""
    from apache_beam.internal.gcp import auth
    from gcp_storage_emulator.server import create_server

    # Beam looks for credentials for a quarter of a minute before it goes on without any.
    monkeypatch.setattr(auth._Credentials, "_credentials_init", True)
    server = create_server("127.0.0.1", 0, in_memory=True)
    server.start()
    endpoint = f"http://127.0.0.1:{server._api._httpd.server_port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", endpoint)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "test")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    yield endpoint
    server.stop()


@pytest.fixture(scope="session")
def contents() -> Callable[..., Iterator[tuple[Path, bytes]]]:
    """Every file below folders as it is, unzipped where it is zipped, and SQLite's rows as text."""

    def read(*folders: Path) -> Iterator[tuple[Path, bytes]]:
        for file in (file for folder in folders for file in sorted(folder.rglob("*"))):
            if not file.is_file():
                continue
            content = file.read_bytes()
            yield file, f"{file}\n".encode() + content
            if content.startswith(b"\x1f\x8b"):
                yield file, gzip.decompress(content)
            if content.startswith(b"SQLite format 3\0"):
                with sqlite3.connect(file) as database:
                    yield file, "\n".join(database.iterdump()).encode()

    return read


@pytest.fixture(scope="session")
def brightness_model() -> Callable[[Path, float], Path]:
    """Write a SavedModel whose answer is a photo's mean brightness, 0 to 255, plus some years."""

    def write(folder: Path, more: float = 0.0) -> Path:
        import tensorflow as tf

        class Model(tf.Module):
            @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
            def serve(self, image_bytes):
                def brightness(encoded):
                    # The default is fast, and sometimes off by one.
                    pixels = tf.io.decode_jpeg(encoded, dct_method="INTEGER_ACCURATE")
                    return tf.reduce_mean(tf.cast(pixels, tf.float32))

                ages = tf.map_fn(brightness, image_bytes, fn_output_signature=tf.float32)
                return {"age": ages + more}

        model = Model()
        tf.saved_model.save(model, str(folder), signatures={"serving_default": model.serve})
        return folder

    return write


@pytest.fixture(scope="session")
def grey() -> Callable[..., bytes]:
    """Encode a photo of one grey, 0 to 255: what `brightness_model` says of it is known."""

    def encode(
        brightness: int, size: tuple[int, int] = (40, 40), file_format: str = "PNG"
    ) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", size, (brightness,) * 3).save(file, file_format)
        return file.getvalue()

    return encode


@pytest.fixture(scope="session")
def publication() -> Callable[..., Publication]:
    """What is published of a SavedModel."""

    def of(folder: Path, mae: float, baseline: str = "", **settings: str) -> Publication:
        return Publication(
            model_dir=folder,
            fingerprint=saved_model_fingerprint(folder),
            metrics={"mae": mae},
            settings={f"data.{name}": value for name, value in settings.items()},
            baseline_version=baseline,
        )

    return of


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hand-out data set of 240 grey squares whose brightness is the age."""
    return write_photos(tmp_path_factory.mktemp("photos"), 240)


def write_photos(folder: Path, number: int) -> Path:
    random = np.random.default_rng(11)
    (folder / "final_files").mkdir()
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file_name", "real_age"])
        for index in range(number):
            age = int(random.integers(5, 80))
            pixels = np.clip(random.normal(age * 3, 6, (40, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "final_files" / f"{index:06}.jpg")
            table.writerow([f"{index:06}.jpg", age])
    return folder


@dataclass(frozen=True)
class Shown:
    """One row of a batch's `photos.csv`, and its photo; without one, a picture of its own."""

    file_name: str
    card: str
    captured_at: str = "2024-03-01T10:15:00"
    content: bytes | None = None


def write_batch(
    inbox: Path, name: str, rows: list[Shown], cards: dict[str, str] | None = None
) -> Path:
    """Write a batch as a checkout uploads it; `cards` is number to date of birth."""
    folder = inbox / name
    (folder / "photos").mkdir(parents=True)
    table = ["file_name,card_id,captured_at"]
    for row in rows:
        content = row.content or encoded(picture(zlib.crc32(f"{name}/{row.file_name}".encode())))
        (folder / "photos" / row.file_name).write_bytes(content)
        table.append(f"{row.file_name},{row.card},{row.captured_at}")
    (folder / "photos.csv").write_text("\n".join(table) + "\n")
    if cards is not None:
        write_cards(folder, cards)
    (folder / "_SUCCESS").touch()
    return folder


def write_cards(folder: Path, cards: dict[str, str]) -> None:
    """Write `cards.csv`; `cards` is number to date of birth, and all have consented."""
    lines = [f"{card},{born},yes" for card, born in cards.items()]
    table = "\n".join(["card_id,date_of_birth,consent", *lines])
    (folder / "cards.csv").write_text(table + "\n")


def picture(seed: int = 0, size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Image.Image:
    """A smooth picture of random colours, the same for the same seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).convert(mode)


def encoded(image: Image.Image, format_name: str = "JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def batch() -> Callable[..., Path]:
    """Write a batch into an inbox: its name, rows that are `shown`, and profiles or none."""
    return write_batch


@pytest.fixture(scope="session")
def shown() -> type[Shown]:
    """A row of `photos.csv`."""
    return Shown


@pytest.fixture(scope="session")
def profiles_table() -> Callable[[Path, dict[str, str]], None]:
    """Write `cards.csv` into a folder."""
    return write_cards


@pytest.fixture(scope="session")
def photo() -> Callable[..., bytes]:
    """Encode a picture: its seed, size and mode."""
    return lambda *args, **kwargs: encoded(picture(*args, **kwargs))


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """Encode an image: its format, and Pillow's options."""
    return encoded


@pytest.fixture
def hand_out(tmp_path: Path) -> Callable[..., Path]:
    """Write a data set in the hand-out's layout: file name to (age, photo or None)."""

    def write(rows: list[tuple[str, object, bytes | None]], name: str = "data") -> Path:
        folder = tmp_path / name
        (folder / "final_files").mkdir(parents=True)
        with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["file_name", "real_age"])
            for file_name, age, content in rows:
                writer.writerow([file_name, age])
                if content is not None:
                    (folder / "final_files" / file_name).write_bytes(content)
        return folder

    return write


_LONGEST_FIRST = (
    *("both_lines/", "e2e/", "test_kept_by_0_1.py"),
    *("kubeflow/image/", "kubeflow/", "components/", "pipeline/", "model_registry/"),
)

# One stage of a story over two TFX lines, which tests/debian13/both_lines.sh runs.
collect_ignore = [] if "CUSTOMER_AGE_HANDOVER" in os.environ else ["both_lines"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole pipelines first, and the image: else the last worker would be alone with one."""

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(Path(__file__).parent).as_posix()
        places = (place for place, start in enumerate(_LONGEST_FIRST) if path.startswith(start))
        return next(places, len(_LONGEST_FIRST))

    items.sort(key=place)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where CI is set, fail for a skipped test that `allowed_skips.txt` does not list."""
    if "CI" not in os.environ or hasattr(session.config, "workerinput"):
        return
    lines = (Path(__file__).with_name("allowed_skips.txt")).read_text().splitlines()
    allowed = tuple(line.split()[0] for line in lines if line and not line.startswith("#"))
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    skipped = [report.nodeid for report in reporter.stats.get("skipped", ())]
    forbidden = [nodeid for nodeid in skipped if not nodeid.startswith(allowed)]
    if forbidden:
        reporter.write_line("")
        for nodeid in forbidden:
            reporter.write_line(f"ERROR skipped, and not in tests/allowed_skips.txt: {nodeid}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
