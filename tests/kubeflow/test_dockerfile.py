"""The image, without a container engine: the Dockerfile is parsed, and its commands run here."""

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths

ROOT = Path(__file__).parents[2]
ROOMS = ("schema", "components", "pipeline", "kubeflow")
TARGETS = {"cpu": "image-py313.txt", "gpu": "image-gpu-py313.txt"}
BOOT = "/opt/apache/beam/boot"
VENV = "/opt/customer-age"

PATIENT = {"UV_HTTP_TIMEOUT": "300", "UV_HTTP_RETRIES": "10"}
"""For uv: the package index may be slow, or fail now and then."""

WRITE_TRAINING_LOG = """
import tensorflow as tf  # writes what TensorBoard shows by TensorBoard's own package
with tf.summary.create_file_writer("logs").as_default():
    tf.summary.scalar("mae", 1.0, step=0)
"""


@dataclass
class Stage:
    """A build stage; `base` is an image, or the name of a stage above."""

    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    """Instruction, and what follows it in one line."""

    def said(self, instruction: str) -> list[str]:
        return [rest for name, rest in self.steps if name == instruction]

    def copies(self) -> list[tuple[str | None, list[str], str]]:
        """For each COPY: its source stage (None: the context), sources, target."""
        found = []
        for words in (shlex.split(rest) for rest in self.said("COPY")):
            flags = dict(word[2:].split("=") for word in words if word.startswith("--"))
            *sources, target = [word for word in words if not word.startswith("--")]
            found.append((flags.pop("from", None), sources, target))
            assert not flags, f"not every builder knows {flags}"
        return found


def read_dockerfile(text: str) -> dict[str, Stage]:
    """Stages by name, in their order, as far as this project writes Dockerfiles."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        instruction, rest = line.split(None, 1)
        if instruction == "ARG":
            assert not stages, "arguments come before the first stage"
            name, _, arguments[name] = rest.partition("=")
        elif instruction == "FROM":
            base, name = rest.split(" AS ")
            name_of = re.fullmatch(r"\$\{(\w+)\}", base)
            stages[name] = Stage(arguments[name_of[1]] if name_of else base)
        else:
            stages[name].steps.append((instruction, rest))
    return stages


STAGES = read_dockerfile((ROOT / "kubeflow" / "Dockerfile").read_text())


def lineage(target: str) -> list[Stage]:
    """The stages that a target's image is made of, the base image's first."""
    stages: list[Stage] = []
    while target in STAGES:
        stages.insert(0, STAGES[target])
        target = STAGES[target].base
    return stages


def last(target: str, instruction: str) -> str:
    return [said for stage in lineage(target) for said in stage.said(instruction)][-1]


def pinned(lock: str, package: str) -> str:
    [version] = re.findall(
        rf"^{package}(?:\[\S+\])?==(\S+)", (ROOT / "requirements" / lock).read_text(), re.MULTILINE
    )
    return version


@pytest.fixture(scope="module")
def context() -> set[str]:
    """The files that a builder is sent, by Docker's own reading of .dockerignore."""
    patterns = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    found = exclude_paths(str(ROOT), patterns)
    return {path for path in found if (ROOT / path).is_file()}


def test_copied_files_exist_and_are_in_the_context(context):
    copied = [
        source
        for stage in STAGES.values()
        for origin, sources, _ in stage.copies()
        if origin is None
        for source in sources
    ]
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(path == source or path.startswith(f"{source}/") for path in context), source
    for path in context - {"Dockerfile", ".dockerignore", "kubeflow/Dockerfile"}:
        assert path.startswith((*(f"{room}/" for room in ROOMS), "src/", "requirements/")) or (
            path in copied
        ), f"{path} is sent, and nothing takes it"


def test_stages_take_from_stages_above():
    above: list[str] = []
    for name, stage in STAGES.items():
        for origin, sources, _ in stage.copies():
            assert origin is None or origin in above, f"{name} takes {sources} from {origin}"
        above.append(name)


def test_the_versions_are_those_of_the_locks():
    assert STAGES["beam"].base == (
        f"apache/beam_python3.13_sdk:{pinned('image-py313.txt', 'apache-beam')}"
    )
    images = {stage.base for stage in STAGES.values()} - set(STAGES) - {STAGES["beam"].base}
    [python] = images
    # Debian 13: glibc 2.41. A patch release is named, and the minor version is the locks'.
    assert re.fullmatch(r"python:3\.13\.\d+-slim-trixie", python)
    for target, lock in TARGETS.items():
        assert pinned(lock, "tfx").startswith("1.21.")
        [packages] = [
            origin
            for origin, [source], place in STAGES[target].copies()
            if (source, place) == (VENV, VENV)
        ]
        assert any(lock in said for said in STAGES[packages].said("RUN"))


def test_nothing_is_installed_without_a_hash_but_our_own_code():
    for name, stage in STAGES.items():
        for command in stage.said("RUN"):
            if "pip install" in command:
                own = name == "code" and {"--no-deps", "--no-index"} <= set(command.split())
                assert own or "--require-hashes" in command, command


@pytest.mark.parametrize("target", TARGETS)
def test_nobody_is_root_and_all_use_the_same_entry_point(target):
    user, group = last(target, "USER").split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert last(target, "ENTRYPOINT") == '["/usr/local/bin/start"]'
    copies = [copy for stage in lineage(target) for copy in stage.copies()]
    assert (None, ["kubeflow/container/start.sh"], "/usr/local/bin/start") in copies
    assert os.access(ROOT / "kubeflow/container/start.sh", os.X_OK)
    assert ("beam", [str(Path(BOOT).parent)], str(Path(BOOT).parent)) in copies
    environment = " ".join(said for stage in lineage(target) for said in stage.said("ENV"))
    assert f"PATH={VENV}/bin:" in environment
    assert "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1" in environment
    assert ("NVIDIA_VISIBLE_DEVICES=all" in environment) == (target == "gpu")


def test_the_default_target_is_for_any_node():
    assert list(STAGES)[-1] == "cpu"


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--id=1-1", "--provision_endpoint=localhost:1"], "boot --id=1-1 --provision_endpoint"),
        (
            ["--worker_pool", "--address=10.0.0.1:1"],
            "python -m customer_age.components.beam_elsewhere.worker_pool "
            f"--container_executable={BOOT} --address=10.0.0.1:1",
        ),
        (["sh", "-c", 'echo "$1 and $2"', "-", "a b", "c"], "a b and c"),
        (["sh", "-c", "exit 3"], ""),
    ],
)
def test_beam_starts_a_worker_and_others_their_command(tmp_path, words, answer):
    for name in ("boot", "python"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho {name} "$@"\n')
        program.chmod(0o755)
    script = (ROOT / "kubeflow/container/start.sh").read_text()
    assert BOOT in script
    start = tmp_path / "start"
    start.write_text(script.replace(BOOT, str(tmp_path / "boot")))
    start.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ended = subprocess.run(
        [start, *words], capture_output=True, text=True, check=False, env=environment
    )
    assert ended.stdout.startswith(answer.replace(BOOT, str(tmp_path / "boot")))
    assert ended.returncode == (3 if "exit 3" in words else 0)


def build(stage: str, places: dict[str, Path], base: Path) -> None:
    """Do what a stage says, in folders of this machine, with the Python of a base image.

    Byte code is left out, and what was downloaded before is taken: neither changes what there is.
    """
    environment = os.environ | PATIENT | {"PATH": f"{base}/bin:{os.environ['PATH']}"}

    def here(text: str) -> str:
        text = text.replace("--no-cache --compile-bytecode", "")
        for there, place in places.items():
            text = re.sub(rf"(?<![\w.-]){there}(?![\w-])", str(place), text)
        return text

    for instruction, rest in STAGES[stage].steps:
        if instruction == "COPY":
            *sources, target = here(rest).split()
            for source in sources:
                ends = Path(target, Path(source).name) if target.endswith("/") else Path(target)
                ends.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / source).is_dir():
                    # A builder copies a link as a link. Other tests write byte code meanwhile.
                    byte_code = shutil.ignore_patterns("__pycache__")
                    shutil.copytree(ROOT / source, ends, symlinks=True, ignore=byte_code)
                else:
                    shutil.copy(ROOT / source, ends)
        elif "apt-get" not in rest:  # a compiler, which is needed to install TFX
            subprocess.run(["sh", "-ec", here(rest)], check=True, env=environment)


def test_the_code_s_layer_holds_all_that_the_code_reads(tmp_path):
    places = {"/build": tmp_path / "build", "/code": tmp_path / "code", VENV: Path(sys.prefix)}
    build("code", places, Path(sys.prefix))
    [packages] = (tmp_path / "code").glob("lib/python3.*/site-packages")
    for room in ROOMS:
        for file in (ROOT / room).rglob("*"):
            if file.suffix in (".py", ".pbtxt", ".yaml", ".css", ".j2") and (
                "manifests" not in file.parts
            ):
                installed = packages / "customer_age" / file.relative_to(ROOT)
                assert installed.read_bytes() == file.read_bytes(), file
    script = tmp_path / "code" / "bin" / "customer-age"
    assert script.read_text().startswith(f"#!{sys.prefix}/bin/python")
    assert not list(packages.glob("[!c]*")), "nothing else is in it"


def libc() -> tuple[int, ...]:
    name, version = platform.libc_ver()
    return tuple(int(part) for part in version.split(".")) if name == "glibc" else (0,)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["packages", "packages-gpu"])
def test_each_package_of_the_lock_is_available_for_the_image(stage, tmp_path):
    """Query the package index with the command of the stage, and install nothing."""
    [install] = [said for said in STAGES[stage].said("RUN") if "uv pip install" in said]
    install, *_ = install.split(" && ")
    command = install.replace("/build", str(ROOT / "requirements")).replace(
        f"--python {VENV} --no-cache --compile-bytecode", f"--dry-run --target {tmp_path}"
    )
    command += " --python-version 3.13 --python-platform x86_64-manylinux_2_40"
    words = [f"{sys.prefix}/bin/uv", *shlex.split(command)[1:]]
    ended = subprocess.run(
        words, capture_output=True, text=True, check=False, env=os.environ | PATIENT
    )
    assert ended.returncode == 0, ended.stderr
    assert f"+ tfx=={pinned(TARGETS['cpu'], 'tfx')}" in ended.stderr
    assert ("+ nvidia-cudnn" in ended.stderr) == (stage == "packages-gpu")


@pytest.mark.slow
@pytest.mark.skipif(
    libc() < (2, 38) or sys.version_info[:2] != (3, 13),
    reason="installing the image's packages takes Python 3.13 on glibc 2.38 or newer (Debian 13); "
    "what can be tested of it here is test_each_package_of_the_lock_is_available_for_the_image",
)
def test_what_is_installed_runs(tmp_path):
    places = {"/build": tmp_path / "build", "/code": tmp_path / "code", VENV: tmp_path / "venv"}
    base = tmp_path / "base"
    subprocess.run([sys.executable, "-m", "venv", base], check=True)
    build("packages", places, base)
    build("code", places, base)
    shutil.copytree(tmp_path / "code", tmp_path / "venv", dirs_exist_ok=True)
    for command in (
        ["customer-age", "--help"],
        ["python", "-m", "pip", "show", "apache-beam"],  # as Beam's boot does
        [
            "python",
            "-c",
            "import customer_age.pipeline.graph.create_pipeline\n"
            "import customer_age.kubeflow.compiling.compiler",
        ],
        ["python", "-c", WRITE_TRAINING_LOG],
    ):
        program = [tmp_path / "venv" / "bin" / command[0], *command[1:]]
        subprocess.run(program, check=True, cwd=tmp_path, stdout=subprocess.DEVNULL)
