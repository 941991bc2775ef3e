"""A real Kubernetes API server on a real etcd, as two processes on loopback."""

import contextlib
import json
import os
import random
import secrets
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

READY_SECONDS = 300


@dataclass(frozen=True)
class ApiServer:
    """An API server that answers.

    Attributes:
        url: `https://127.0.0.1:PORT`.
        certificate: File of the authority that its certificate is checked by (PEM).
        token: Bearer token of a member of `system:masters`.
        folder: Folder of its files; `kubeconfig` in it is the administrator's.
    """

    url: str
    certificate: Path
    token: str
    folder: Path

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "kubeconfig"

    def kubeconfig_of(self, token: str, name: str) -> Path:
        """Write the kubeconfig of a bearer token; return its file."""
        file = self.folder / name
        cluster = {"server": self.url, "certificate-authority": str(self.certificate)}
        file.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "test", "cluster": cluster}],
                    "users": [{"name": name, "user": {"token": token}}],
                    "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
                    "current-context": "test",
                }
            )
        )
        file.chmod(0o600)
        return file

    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator.

        Raises:
            AssertionError: It failed and `check` is set, with what it printed.
        """
        ended = subprocess.run(
            ["kubectl", f"--kubeconfig={self.kubeconfig}", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0 or not check, f"{arguments}: {ended.stderr}"
        return ended

    def request(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Send a request as the administrator; return the object of its answer.

        Raises:
            urllib.error.HTTPError: The server refused it.
        """
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        context = ssl.create_default_context(cafile=str(self.certificate))
        with urllib.request.urlopen(request, context=context) as answer:
            return json.load(answer)


def _free_ports(number: int) -> list[int]:
    """Return different ports that the system gives nobody who asks for any free one."""
    ports: list[int] = []
    # As the tests' `free_port`, each worker has its own part: a port is free until it is used.
    first = 20_000 + 1000 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 12)
    with contextlib.ExitStack() as probes:
        while len(ports) < number:
            port = random.randrange(first, first + 1000)
            with contextlib.suppress(OSError):  # it is taken
                probes.enter_context(socket.create_server(("127.0.0.1", port)))
                ports.append(port)
    return ports


def _make_key(file: Path) -> None:
    """Write the key that service accounts' tokens are signed with."""
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA", "-out", file], check=True, capture_output=True
    )


@contextmanager
def _process(words: list[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as written:
        process = subprocess.Popen(words, stdout=written, stderr=written, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(server: ApiServer, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + READY_SECONDS
    log = server.folder / "kube-apiserver.log"
    while True:
        assert process.poll() is None, f"kube-apiserver ended: {log.read_text()[-2000:]}"
        answer = server.kubectl("get", "--raw", "/readyz", check=False)
        if answer.returncode == 0:
            return
        assert time.monotonic() < ends, f"not ready: {answer.stderr} {log.read_text()[-2000:]}"
        time.sleep(0.5)


@contextmanager
def api_server(programs: Path, folder: Path, **options: str) -> Iterator[ApiServer]:
    """Run etcd and an API server with their files in a folder; yield the server when it is ready.

    It uses RBAC and Kubernetes's default admission: Pod Security, quotas, limits, service
    accounts. No controller and no scheduler runs: tests create what they would create.

    Args:
        programs: Folder of `etcd` and `kube-apiserver`.
        folder: A new folder.
        options: More options of the server, by their names with `_` for `-`.
    """
    folder.mkdir(parents=True)
    etcd_port, peer_port, port = _free_ports(3)
    token = secrets.token_hex(16)
    tokens = folder / "tokens.csv"
    tokens.write_text(f"{token},administrator,1,system:masters\n")
    tokens.chmod(0o600)
    key = folder / "service_accounts.key"
    _make_key(key)
    etcd: list[str | Path] = [
        programs / "etcd",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{etcd_port}",
        f"--advertise-client-urls=http://127.0.0.1:{etcd_port}",
        f"--listen-peer-urls=http://127.0.0.1:{peer_port}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer_port}",
        f"--initial-cluster=default=http://127.0.0.1:{peer_port}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]
    certificates = folder / "certificates"
    kubernetes: list[str | Path] = [
        programs / "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={certificates}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--allow-privileged=true",  # so that only Pod Security decides
        "--endpoint-reconciler-type=none",
        *(f"--{name.replace('_', '-')}={value}" for name, value in options.items()),
    ]
    server = ApiServer(f"https://127.0.0.1:{port}", certificates / "apiserver.crt", token, folder)
    server.kubeconfig_of(token, "kubeconfig")
    with (
        _process(etcd, folder / "etcd.log"),
        _process(kubernetes, folder / "kube-apiserver.log") as process,
    ):
        _wait_until_ready(server, process)
        yield server


def missing() -> str | None:
    """Return a line with the reason why no API server can run here; None if one can."""
    for program in ("go", "kubectl", "openssl"):
        if shutil.which(program) is None:
            return f"{program} is not installed: nothing was tested against a real API server"
    return None


def environment(server: ApiServer) -> dict[str, str]:
    """Return this process's environment, with the administrator's kubeconfig."""
    return os.environ | {"KUBECONFIG": str(server.kubeconfig)}
