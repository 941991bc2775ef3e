"""The image, built from the Dockerfile and started as clusters start it (see `builder`)."""

import io
import json
import os
import re
import stat
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from image.builder import ROOT, Builder, cache_folder, missing

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

OURS_IN_GIGABYTES = 2.6
"""The largest unpacked size of our layers: 2.5 on TFX 1.21, half of it TensorFlow."""
VENV = "opt/customer-age"
RECORDED = ROOT / "tests" / "kubeflow" / "recorded" / "executor_inputs"
PIPELINE = next(
    yaml.safe_load_all((ROOT / "tests" / "kubeflow" / "golden" / "kubeflow.yaml").read_text())
)
CONTAINERS = {
    label.removesuffix("_executor"): executor["container"]
    for label, executor in PIPELINE["deploymentSpec"]["executors"].items()
    if "container" in executor
}
NOT_WRITABLE = re.compile(
    "Permission denied|Read-only file system|not a writable|ModuleNotFoundError"
)


@pytest.fixture(scope="module")
def image():
    reason = missing(cache_folder())
    if reason:
        pytest.skip(reason)
    with Builder(cache_folder()).built() as built:
        yield built


@pytest.fixture(scope="module")
def ours(image):
    """What our layers add to the base image: path, and its status."""
    found = {}
    for folder, folders, files in os.walk(image.root):
        for name in (*folders, *files):
            path = Path(folder, name)
            status, place = path.lstat(), path.relative_to(image.root)
            below = image.base / place
            if not below.is_symlink() and not below.exists():
                found[str(place)] = status
            elif stat.S_ISREG(status.st_mode):
                was = below.lstat()  # to the second, as layers keep it
                if abs(status.st_mtime - was.st_mtime) > 1 or status.st_size != was.st_size:
                    found[str(place)] = status
    return found


def test_the_image_has_user_entry_point_and_version(image):
    configuration = image.configuration
    user, group = configuration["User"].split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert configuration["Entrypoint"] == ["/usr/local/bin/start"]
    assert configuration["Cmd"] == ["customer-age", "--help"]
    labels = configuration["Labels"]
    [version] = re.findall(r'version="(.+?)"', (ROOT / "setup.py").read_text())
    assert labels["org.opencontainers.image.version"] == version
    assert not [name for name in configuration["Env"] if re.search("KEY|TOKEN|SECRET|INDEX", name)]


def test_our_layers_are_no_larger_than_they_must_be(ours):
    size = sum(status.st_size for status in ours.values() if stat.S_ISREG(status.st_mode)) / 1e9
    assert 1 < size < OURS_IN_GIGABYTES
    left = [
        path
        for path in ours
        if re.search(r"site-packages/(.*/)?(tests|testdata|tensorflow/include)(/|$)", path)
    ]
    assert left == []


def test_it_only_contains_what_it_needs_to_run(ours):
    """No secret, cache, test, checkout, data or build tool in any folder."""
    kinds = {
        "a secret": r"(^|/)(\.netrc|pip\.conf|uv\.toml|id_[rd]sa.*|\.env|.*credentials\.json)$"
        r"|(^|/)(?!cacert\.|roots\.)[^/]*\.(pem|key)$",
        "a cache": r"(^|/)(root/.*|\.cache|tmp/.+|var/cache/.*|var/lib/apt/lists/.*)$",
        "a checkout": r"(^|/)(\.git|build|shared)$|^(work|checkout)/",
        "a build tool": r"/bin/(uv|uvx|g?cc|[gc]\+\+|ld|as|strip|make|cargo|x86_64-linux-gnu-.*)$",
        "a test of ours": r"(^|/)customer_age/(.*/)?(tests?|conftest)[^/]*$",
    }
    for kind, pattern in kinds.items():
        found = [
            path
            for path in ours
            if re.search(pattern, path)
            # These are packages' own: modules and commands of such names, and public roots.
            and not (kind == "a checkout" and "/site-packages/" in path)
            and not (kind == "a cache" and "/site-packages/" in path)
        ]
        assert found == [], kind


def test_everyone_may_read_it_and_write_where_the_launcher_writes(ours):
    closed = [
        path
        for path, status in ours.items()
        if path.startswith((VENV, "usr/local/bin", "opt/apache"))
        and not stat.S_ISLNK(status.st_mode)
        and not status.st_mode & (0o005 if stat.S_ISDIR(status.st_mode) else 0o004)
    ]
    assert closed == []
    for folder in ("gcs", "s3", "minio"):
        status = ours[folder]
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1000, 0, 0o775)


def test_packages_are_complete_after_trimming(image):
    """Libraries load, byte code is taken as it is, and pip still knows what is installed."""
    look = (Path(__file__).parent / "look.py").read_text()
    looked = image.run("python", "-c", look)
    assert looked.returncode == 0, looked.stderr[-2000:]
    assert json.loads(looked.stdout) == {"broken": [], "stale": []}
    listed = image.run("python", "-m", "pip", "list", "--format=freeze")
    locked = (ROOT / "requirements" / "image-py313.txt").read_text()
    wanted = set(re.findall(r"^([\w.-]+)(?:\[\S+\])?==(\S+)", locked, re.MULTILINE))
    normal = {re.sub("[-_.]+", "-", name).lower() + "==" + version for name, version in wanted}
    there = {
        re.sub("[-_.]+", "-", line.split("==")[0]).lower() + "==" + line.split("==")[1]
        for line in listed.stdout.split()
    }
    assert len(wanted) > 200
    assert normal <= there
    licences = [path for path in (image.root / VENV).rglob("*") if "LICENSE" in path.name.upper()]
    assert len(licences) > 200


def _start(image, component):
    """Start its command from the compiled pipeline with what Kubeflow's driver once gave it."""
    given = (RECORDED / f"{component.lower()}.json").read_text()
    container = CONTAINERS[component]
    words = [word.replace("{{$}}", given) for word in container["command"] + container["args"]]
    variables = [f"{each['name']}={each['value']}" for each in container.get("env", [])]
    variables.append("AWS_EC2_METADATA_DISABLED=true")  # there is no server here
    words[words.index("--max_retries=2")] = "--max_retries=0"  # only the first try
    return image.run(*words, variables=variables, volumes=["/gcs", "/s3", "/minio"])


@pytest.fixture(scope="module")
def ends(image):
    """How each component's container ends; they start side by side, because each imports TFX."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {component: pool.submit(_start, image, component) for component in CONTAINERS}


@pytest.mark.parametrize("component", CONTAINERS)
def test_an_executor_starts_as_anyone_with_a_read_only_root(ends, component):
    """The files that it names are not here: it ends with a line of ours that says so.

    Where it needs none, it ends well.
    """
    ended = ends[component].result()
    assert not NOT_WRITABLE.search(ended.stderr), ended.stderr[-3000:]
    assert "Starting executor" in ended.stderr, ended.stderr[-3000:]
    if component == "PhotoSchema":  # it needs no input
        assert ended.returncode == 0, ended.stderr[-3000:]
    elif ended.returncode != 0:
        assert ended.stderr.splitlines()[-1].startswith(f"customer-age: {component} failed: ")


def test_the_cronjob_s_command_starts(image):
    manifest = ROOT / "kubeflow" / "manifests" / "base" / "retraining.yaml"
    [job] = [each for each in yaml.safe_load_all(manifest.read_text()) if each["kind"] == "CronJob"]
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    user = f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    # Its ConfigMap is not here.
    ended = image.run(*pod["containers"][0]["args"], user=user)
    assert ended.returncode == 2
    assert "/etc/customer-age/settings.yaml" in ended.stderr
    assert "Traceback" not in ended.stderr


POOL = """
/usr/local/bin/start --worker_pool >log 2>&1 &
until grep Listening log; do kill -0 $! || { cat log >&2; exit 1; }; sleep 0.2; done
cat /proc/net/tcp /proc/net/tcp6
"""


def test_a_pool_of_beam_s_workers_starts(image):
    """It listens only on loopback, because it runs any requested program."""
    ended = image.run("sh", "-c", POOL)
    assert ended.returncode == 0, ended.stderr[-3000:]
    port = format(50000, "X")
    listening = set(re.findall(rf"\d+: (\w+):{port} 0+:0000 0A", ended.stdout))
    assert listening
    # 127.0.0.1, ::1 and ::ffff:127.0.0.1
    loopback = {"0100007F", "0" * 24 + "01000000", "0" * 16 + "FFFF00000100007F"}
    assert listening <= loopback, ended.stdout


def test_a_worker_of_beam_s_starts_by_options_alone(image):
    """The program that starts it is a stand-in here, and reports itself."""
    ended = image.run("--id=1-1", "--provision_endpoint=localhost:1")
    assert ended.stdout == "stand-in for Beam's boot: --id=1-1 --provision_endpoint=localhost:1\n"


WHOLE_RUN = """
mkdir photos && tar -C photos -x
printf %s "$1" > tiny.yaml
exec customer-age run --config tiny.yaml --data photos --work-dir work
"""


def test_a_whole_run_publishes_a_version(image, photos):
    sent = io.BytesIO()
    with tarfile.open(fileobj=sent, mode="w") as archive:
        archive.add(photos, arcname=".")
    tiny = (ROOT / "tests" / "e2e" / "tiny.yaml").read_text()
    ended = image.run(
        *("sh", "-ec", WHOLE_RUN, "sh", tiny),
        user="1000:1000",
        timeout=1200,
        stdin=sent.getvalue(),
    )
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-3000:]
