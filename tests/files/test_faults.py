"""Stores that refuse, do not answer, or are cut off; writers that are killed or run in parallel."""

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import warnings

import pytest

from customer_age.errors import SettingsError
from customer_age.files import google_bucket, store
from customer_age.files.addresses import join

KINDS = ("s3", "gs")


@pytest.fixture(params=KINDS)
def faulty(request, scripted, aws_credentials, monkeypatch):
    """A server with scripted answers, and the address of an object on it."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", scripted.endpoint)
    option = f"?endpoint={scripted.endpoint}" if request.param == "s3" else ""
    return scripted, f"{request.param}://shop/photo.jpg{option}"


@pytest.mark.parametrize("faults", [[429], [503, 503], ["cut"], ["cut", 429, 500]], ids=str)
def test_a_temporary_fault_is_retried(faulty, faults):
    server, address = faulty
    server.script += faults
    assert store.read(address) == b"hello"
    assert len(server.requests) == len(faults) + 1


@pytest.mark.parametrize("faults", [[429], [503, 503], ["cut"]], ids=str)
def test_a_write_is_retried(scripted, aws_credentials, faults):
    scripted.script += faults
    store.write_whole(f"s3://shop/a?endpoint={scripted.endpoint}", b"x")
    assert [method for method, _ in scripted.requests] == ["PUT"] * (len(faults) + 1)


def test_half_an_answer_is_not_a_file(faulty):
    server, address = faulty
    server.script += ["half"]
    try:
        assert store.read(address) == b"hello"  # requested again from there, or as a whole
    except OSError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("status", [401, 403])
def test_no_access_is_one_line_at_once(faulty, status):
    server, address = faulty
    server.script += [status] * 20
    for act in (store.read, store.open, store.delete, lambda at: store.write_whole(at, b"x")):
        with pytest.raises(OSError, match=r"photo.jpg: .*(40\d|Anonymous)") as refused:
            act(address)
        assert "\n" not in str(refused.value)
        assert "photo" not in refused.value.strerror, "the reason is shown where no name may be"
    with pytest.raises(OSError, match=r"40\d|Anonymous"):
        list(store.list(address))
    assert len(server.requests) <= 10, "one for each call, and each retried call has about eight"


def test_a_store_that_never_answers_is_given_up(aws_credentials, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    with pytest.raises(OSError, match=r"^s3://shop/a: ") as refused:
        store.read("s3://shop/a?endpoint=http://127.0.0.1:9")
    assert "\n" not in str(refused.value)
    assert pickle.loads(pickle.dumps(refused.value)).args == refused.value.args


def test_a_busy_cloud_storage_is_given_up(scripted, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", scripted.endpoint)
    monkeypatch.setattr(google_bucket, "_SECONDS", 2)
    scripted.script += [503] * 100
    with pytest.raises(OSError, match="gs://shop/a: "):
        store.read("gs://shop/a")


def test_a_missing_bucket_is_one_line(bucket_place):
    there = bucket_place.replace("://shop", "://none")
    # The emulator of Cloud Storage has the same answer for a missing object and a missing bucket.
    reading = [store.read] if there.startswith("s3") else []
    for act in (*reading, lambda at: list(store.list(at)), store.exists):
        with pytest.raises(OSError, match="no such bucket|NoSuchBucket") as refused:
            act(there)
        assert not isinstance(refused.value, FileNotFoundError)
        assert "\n" not in str(refused.value)


def test_what_is_new_in_cloud_storage(scripted, monkeypatch):
    """Its emulator ignores conditions, so this checks the requests."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", scripted.endpoint)
    monkeypatch.setattr(google_bucket.secrets, "token_hex", lambda _: "ours")
    scripted.script += [412, b'{"metadata": {"attempt": "another"}}']
    with pytest.raises(FileExistsError):
        store.write_whole("gs://shop/a", b"x", new=True)
    assert "ifGenerationMatch=0" in scripted.requests[0][1]
    scripted.script += [503, 412, b'{"metadata": {"attempt": "ours"}}']
    store.write_whole("gs://shop/a", b"x", new=True)
    scripted.script += [b"{}"]
    store.write_whole("gs://shop/a", b"x")
    assert "ifGenerationMatch" not in scripted.requests[-1][1]


def test_a_lost_answer_does_not_turn_success_into_failure(s3_place, proxied):
    """The store has written the object, and the connection is cut before its answer."""
    address = proxied(s3_place, cut_answers=1)
    store.write_whole(join(address, "lock"), b"mine", new=True)
    assert store.read(join(address, "lock")) == b"mine"
    with pytest.raises(FileExistsError):
        store.write_whole(join(address, "lock"), b"mine", new=True)


@pytest.mark.parametrize("call", ["read", "write", "list", "copy", "delete", "exists"])
def test_each_call_survives_a_cut(bucket_place, proxied, call):
    file = join(bucket_place, "a")
    store.write_whole(file, b"content")
    address = proxied(bucket_place, cut_answers=1)
    through = join(address, "a")
    if call == "read":
        assert store.read(through) == b"content"
    elif call == "write":
        store.write_whole(through, b"new")
        assert store.read(file) == b"new"
    elif call == "list":
        assert [entry.name for entry in store.list(address)] == ["a"]
    elif call == "copy":
        store.copy(through, join(address, "b"))
        assert store.read(join(bucket_place, "b")) == b"content"
    elif call == "delete":
        store.delete(through)
        assert not store.exists(file)
    else:
        assert store.exists(through)


def test_a_forked_process_gets_an_error_and_does_not_hang(scripted, aws_credentials):
    address = f"s3://shop/a?endpoint={scripted.endpoint}"
    assert store.read(address) == b"hello"
    child = os.fork()
    if not child:
        try:
            store.read(address)
        except OSError as error:
            os._exit("spawn" in str(error))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert store.read(address) == b"hello"


def test_a_forked_process_has_its_own_client_for_cloud_storage(gs_place):
    store.write_whole(join(gs_place, "a"), b"content")
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, store.read(join(gs_place, "a")))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 100) == b"content"


def test_no_credentials_are_one_line(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SettingsError, match=r"no AWS credentials were found; see docs/files.md"):
        store.read("s3://shop/a?endpoint=http://127.0.0.1:9")


def test_no_credentials_of_google_are_one_line(monkeypatch, tmp_path):
    """In a separate process, because clients may print more there than under pytest."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    asks = (
        "from customer_age.files import DataUnavailable, store\n"
        "try:\n    store.read('gs://shop/a')\nexcept DataUnavailable as error:\n    print(error)"
    )
    ended = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("gs://shop: Your default credentials were not found")
    assert (ended.stdout.count("\n"), ended.stderr) == (1, "")


@pytest.mark.parametrize(
    "version", ["a Python version (3.10)", "a non-supported Python version (3.10)"]
)
def test_googles_notice_about_this_python_is_not_shown(monkeypatch, version):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        google_bucket.GoogleBucket("gs://shop", {})
        warnings.warn(f"You are using {version}.", FutureWarning, stacklevel=1)
        warnings.warn("You are using another thing.", FutureWarning, stacklevel=1)
    notices = [text for each in shown if (text := str(each.message)).startswith("You are using")]
    assert notices == ["You are using another thing."]


def test_a_profile_sets_endpoint_and_credentials(
    monkeypatch, tmp_path, s3_endpoint, aws_credentials
):
    import boto3

    boto3.client("s3", endpoint_url=s3_endpoint).create_bucket(Bucket="shop")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text(
        f"[profile minio]\nendpoint_url = {s3_endpoint}\nregion = eu-west-1\n"
        "aws_access_key_id = of-a-profile\naws_secret_access_key = hush\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "minio")
    store.write_whole("s3://shop/a", b"x")
    assert store.read(f"s3://shop/a?endpoint={s3_endpoint}") == b"x"


SIZES = (1_000, 300_000)
LOOKS = 1_000


@pytest.mark.parametrize("kind", ["file", "s3"])
def test_three_publishers_never_show_half_a_file(request, kind, tmp_path):
    place = request.getfixturevalue("s3_place") if kind == "s3" else f"file://{tmp_path}/place"
    file = join(place, "model")
    store.write_whole(file, b"0" * SIZES[0])
    looks, seen = 0, {store.read(file)[:1]}
    publishers = [
        subprocess.Popen([sys.executable, "-c", PUBLISHER, file, str(number)])
        for number in range(1, 4)
    ]
    while looks < LOOKS or len(seen) < 4:
        content = store.read(file)
        assert len(content) in SIZES
        assert len(set(content)) == 1
        seen.add(content[:1])
        looks += 1
        assert all(each.poll() is None for each in publishers), "a publisher failed"
    for each in publishers:
        each.send_signal(signal.SIGKILL)  # in the middle of a write
        each.wait()
    assert {entry.name for entry in store.list(place)} == {"model"}
    assert len(store.read(file)) in SIZES


PUBLISHER = f"""
import itertools, sys
from customer_age.files import store
for number in itertools.count():
    store.write_whole(sys.argv[1], sys.argv[2].encode() * {SIZES}[number % 2])
"""


@pytest.fixture
def proxied(monkeypatch):
    """The same address, through a TCP connection that loses the first answers."""

    def through(address: str, cut_answers: int) -> str:
        if address.startswith("s3"):
            line = Line(address.partition("endpoint=")[2], cut_answers)
            return address.partition("?")[0] + f"?endpoint={line.endpoint}"
        line = Line(os.environ["STORAGE_EMULATOR_HOST"], cut_answers)
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", line.endpoint)
        return address

    return through


class Line:
    """A proxy that passes requests on, and cuts the connection when the first answers come."""

    def __init__(self, endpoint: str, cut_answers: int):
        host, _, port = endpoint.partition("://")[2].partition(":")
        self._to = (host, int(port))
        self._left = cut_answers
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            client, _ = self._listening.accept()
            try:
                server = socket.create_connection(self._to)
            except OSError:  # the test and its server have ended
                client.close()
                continue
            threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        try:
            while content := source.recv(65_536):
                if answers and self._left:
                    self._left -= 1
                    break
                target.sendall(content)
        except OSError:
            pass
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
