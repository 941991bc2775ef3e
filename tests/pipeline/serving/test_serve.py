"""`customer-age serve` as a command, and its end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import requests
from starlette.applications import Starlette

from customer_age.errors import SettingsError
from customer_age.pipeline.cli import cli
from customer_age.pipeline.serving import serve, served_model
from customer_age.pipeline.serving.grpc_messages import SERVICE
from customer_age.pipeline.serving.listeners import RestListener
from customer_age.pipeline.settings import loading


def test_sigterm_finishes_requests_and_ends_with_0(model_folder, request_of, grey, tmp_path):
    environment = os.environ | {
        "CUSTOMER_AGE_SERVE_PORT": "0",
        "CUSTOMER_AGE_SERVE_GRPC_PORT": "0",
        "CUSTOMER_AGE_SERVE_MODEL": str(model_folder.parent),
        "CUSTOMER_AGE_SERVE_MAX_PHOTOS": "3",
    }
    program = "from customer_age.pipeline.cli.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "serve", "--work-dir", str(tmp_path)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as server:
        try:
            first = server.stderr.readline()
            port, grpc_port = map(int, re.findall(r"port (\d+)", first))
            at = f"http://127.0.0.1:{port}"
            url = f"{at}/v2/models/customer-age/infer"
            # The port is open before the model is loaded, and reports that.
            assert requests.get(f"{at}/v2/health/live", timeout=30).ok
            assert requests.get(f"{at}/v2/health/ready", timeout=30).status_code == 503
            assert requests.post(url, json=request_of(grey(1)), timeout=30).status_code == 503
            assert server.stderr.readline() == "customer-age, version 7: ready\n"
            assert requests.get(f"{at}/v2/health/ready", timeout=30).ok
            assert (
                requests.post(url, json=request_of(*[grey(1)] * 4), timeout=30).status_code == 413
            )
            for path in ("/v2/models/4111111111111111", "/photos/jane_doe.jpg"):
                requests.get(f"{at}{path}", timeout=30)
            with (
                grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel,
                pytest.raises(grpc.RpcError),  # no message of protobuf's
            ):
                channel.unary_unary(f"/{SERVICE}/ModelInfer")(b"jane_doe", timeout=30)

            body = json.dumps(request_of(grey(90))).encode()
            with socket.create_connection(("127.0.0.1", port)) as running:
                running.sendall(
                    b"POST /v2/models/customer-age/infer HTTP/1.1\r\nHost: x\r\n"
                    + f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body[:50]
                )
                until = time.monotonic() + 30
                while (
                    "customer_age_requests_running 1.0"
                    not in requests.get(f"{at}/metrics", timeout=30).text
                ):
                    assert time.monotonic() < until
                    time.sleep(0.02)
                server.send_signal(signal.SIGTERM)
                stopped = time.monotonic()
                assert server.stderr.readline().startswith("stopping")
                time.sleep(1.5)  # longer than the limit of verbs that do not stop by themselves
                with pytest.raises(OSError):
                    socket.create_connection(("127.0.0.1", port), timeout=5).close()
                running.sendall(body[50:])
                answer = b"".join(iter(lambda: running.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.1 200")
            assert b'"data": [30.0]' in answer
            assert server.wait(60) == 0
            assert time.monotonic() - stopped < 20
            assert serve.GRACE_SECONDS < 5, "the documented time, which a busy machine exceeds"
            # The requests are not logged.
            assert server.stderr.read() == server.stdout.read() == ""
        finally:
            server.kill()


@pytest.fixture
def refused(monkeypatch, capsys, tmp_path):
    """Call the verb, which must refuse; return its exit code and lines."""

    def call(*arguments):
        command = ["customer-age", "serve", *arguments, "--work-dir", str(tmp_path)]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, capsys.readouterr().err.splitlines()

    return call


def test_the_body_of_an_answer_does_not_wait_for_an_acknowledgement_of_its_header():
    """Nagle's algorithm would delay it by the 40 ms of a caller's delayed acknowledgement."""
    listener = RestListener(Starlette(), "127.0.0.1", 0, 1)
    with (
        listener._socket,
        socket.create_connection(("127.0.0.1", listener.port)),
        listener._socket.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("option", ["--port", "--grpc-port"])
def test_a_port_that_is_taken(refused, option):
    """By default two gRPC servers share it, and callers reach either of them."""
    taken = grpc.server(ThreadPoolExecutor(1))
    port = str(taken.add_insecure_port("127.0.0.1:0"))
    taken.start()
    other = "--grpc-port" if option == "--port" else "--port"
    code, lines = refused("--model", "./none", option, port, other, "0")
    taken.stop(0).wait()
    assert code == 2
    assert lines == [lines[0]]
    refusal = f"customer-age: {option} {port}: cannot listen on this port at 127.0.0.1"
    assert lines[0].startswith(refusal)


def test_a_folder_without_a_model(refused, tmp_path):
    code, lines = refused("--model", f"{tmp_path}/", "--port", "0", "--grpc-port", "0")
    assert code == 2
    assert lines[1:] == [
        f"customer-age: --model {tmp_path}: contains no saved_model.pb, and no numbered folder "
        "with one"
    ]


def test_a_wrong_number_in_the_environment_is_wrong_usage(refused, monkeypatch):
    monkeypatch.setenv("CUSTOMER_AGE_SERVE_MAX_PHOTOS", "many")
    code, lines = refused()
    assert code == 2
    assert "'--max-photos'" in lines[-1]


def test_a_registry_s_uri_is_that_of_the_settings(refused):
    code, lines = refused("--model", "ftp://host/models", "--port", "0", "--grpc-port", "0")
    assert code == 2
    assert "unknown kind of registry" in lines[-1]
    code, lines = refused("--model", "mlflow+https://me:secret@host/")
    assert code == 2
    assert "must hold no user name or password" in lines[-1]
    assert "me:secret" not in lines[-1]


def test_a_folder_is_served_as_a_model_server_s_is(model_folder, tmp_path):
    settings = loading.load("local", ("data.stored_size=100",))
    (tmp_path / "30").symlink_to(model_folder)
    (tmp_path / "4").symlink_to(model_folder)
    (tmp_path / "name").symlink_to(model_folder)
    (tmp_path / "500").mkdir()  # half-copied
    served = served_model.load(settings, f"{tmp_path}/")
    assert (served.version, served.spec.stored_size) == ("30", 100)
    assert served_model.load(settings, f"{tmp_path}/4").version == "4"
    assert re.fullmatch("[0-9a-f]{12}", served_model.load(settings, f"{tmp_path}/name").version)
    with pytest.raises(SettingsError, match=r"no saved_model\.pb"):
        served_model.load(settings, f"{tmp_path}/500")
