"""A component runs again exactly if the code that it runs has changed."""

import os
import re
import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from customer_age.errors import SettingsError
from customer_age.pipeline.graph import cache_keys
from customer_age.pipeline.graph.create_pipeline import Launch, create_pipeline
from customer_age.pipeline.graph.import_closure import SourceTree
from customer_age.pipeline.settings import loading

ROOMS = ("schema", "components", "pipeline", "kubeflow")
ALL = {
    "PhotoSchema", "PhotoExampleGen", "DataGate", "Champion", "Trainer", "Evaluator", "Canary",
    "RegistryPusher", "RunReport",
}  # fmt: skip


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> Path:
    """A copy of our source files."""
    copy = tmp_path_factory.mktemp("sources") / "customer_age"
    ignored = shutil.ignore_patterns("__pycache__", "manifests")
    shutil.copytree(cache_keys.source_tree().root, copy, ignore=ignored)
    return copy


@pytest.fixture(scope="module")
def before(copied) -> dict[str, str]:
    """The keys of the unchanged sources."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache_keys, "source_tree", lambda: SourceTree("customer_age", copied))
        return keys()


@pytest.fixture
def change(copied, monkeypatch):
    """Change one source file; it is restored after the test."""
    monkeypatch.setattr(cache_keys, "source_tree", lambda: SourceTree("customer_age", copied))
    kept: dict[Path, str] = {}

    def write(name: str, changed: Callable[[str], str]) -> None:
        file = copied / name
        text = kept.setdefault(file, file.read_text())
        file.write_text(changed(text))
        assert file.read_text() != text

    yield write
    for file, text in kept.items():
        file.write_text(text)


def with_a_comment(text: str) -> str:
    return f"{text}\n# changed\n"


def keys(images: str = "") -> dict[str, str]:
    """Return the code key of each node in a runner's graph."""
    settings = loading.load("local", (), data__path="photos")
    pipeline = create_pipeline(settings, Launch(images=images))
    return {
        node.id: str(node.exec_properties.get("code") or node.exec_properties["custom_config"])
        for node in pipeline.components
        if node.id in ALL
    }


def rerun(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


OF_REGISTRY = {"Champion", "RegistryPusher", "RunReport"}
"""Each of them opens it."""

CHANGES = [
    ("photos/decode.py", "def ", {"PhotoExampleGen", "Canary"}),
    ("labels/layouts.py", "def find(", {"PhotoExampleGen"}),
    ("labels/cards/ages.py", "def age_at(", {"PhotoExampleGen"}),
    ("components/beam_runners.py", "def sized(", {"PhotoExampleGen"}),
    ("components/photo_example_gen/examples.py", "def ", {"PhotoExampleGen"}),
    ("components/photo_example_gen/batch_cache/assembly.py", "def ", {"PhotoExampleGen"}),
    ("components/trainer/model.py", "def ", {"Trainer"}),
    ("components/trainer/run_fn.py", "def run_fn(", {"Trainer"}),
    ("photos/spec.py", "class ", {"PhotoExampleGen", "Trainer", "Canary"}),
    ("components/evaluator/merged_metrics.py", "def ", {"Evaluator"}),
    ("components/evaluator/gate.py", "def eval_config(", {"Evaluator"}),
    ("components/canary/worker.py", "def ", {"Canary"}),
    ("components/run_report/pages/plots.py", "def ", {"RunReport"}),
    ("components/run_report/pages/templates/page.html.j2", "<section", {"RunReport"}),
    ("components/registry_pusher/model_card.py", "def ", {"RegistryPusher"}),
    ("files/store.py", "def list(", ALL - {"Trainer", "Evaluator"}),
    ("model_registry/open_registry.py", "def open_registry(", OF_REGISTRY),
    ("model_registry/mlflow_store/store.py", "def ", OF_REGISTRY),
    ("schema/photos.pbtxt", "feature", {"PhotoSchema"}),
    ("pipeline/settings/settings.py", "class ", set()),
    ("kubeflow/compiling/compiler.py", "def ", set()),
]


@pytest.mark.parametrize(("file", "definition", "expected"), CHANGES)
def test_a_changed_function_reruns_the_components_that_use_it(
    change, before, file, definition, expected
):
    def changed(text: str) -> str:
        comment = "{# changed #}" if file.endswith(".j2") else "# changed"
        start = re.compile(rf"^( *)(?={re.escape(definition)})", re.MULTILINE)
        return start.sub(rf"\1{comment}\n\1", text, count=1)

    change(file, changed)
    assert rerun(before, keys()) == expected


def test_age_groups_rerun_the_components_that_use_them(change, before):
    """PhotoExampleGen writes them: a corrected age group must not reuse old examples."""
    change("schema/age_groups.py", with_a_comment)
    again = rerun(before, keys())
    assert "PhotoExampleGen" in again
    assert "Trainer" not in again


def test_a_module_that_every_component_imports_reruns_all(change, before):
    change("__init__.py", with_a_comment)
    assert rerun(before, keys()) == ALL


@pytest.mark.parametrize("library", ["pillow", "pi-heif"])
def test_a_new_decoder_reruns_ingestion_but_not_training_by_itself(monkeypatch, library):
    """Also if one is installed or removed: photos that were refused are checked again."""
    installed = metadata.version
    found = {"version": "99.9"}

    def version(name: str) -> str:
        if name != library:
            return installed(name)
        if not found:
            raise metadata.PackageNotFoundError(name)
        return found["version"]

    monkeypatch.setattr(metadata, "version", version)
    newer = keys()
    found.clear()
    again = rerun(newer, keys())
    assert "PhotoExampleGen" in again
    assert not again & {"Trainer", "Evaluator", "PhotoSchema", "DataGate"}


def test_on_a_cluster_the_images_identify_the_libraries(monkeypatch):
    before = keys("shop/customer-age:1")
    monkeypatch.setattr(metadata, "version", lambda name: "99.9")
    assert keys("shop/customer-age:1") == before
    assert rerun(before, keys("shop/customer-age:2")) == ALL


def test_the_code_of_all_is_that_of_the_components(change):
    before = cache_keys.code_of_all()
    for file in ("pipeline/settings/loading.py", "kubeflow/cli/submit.py"):
        change(file, with_a_comment)
    assert cache_keys.code_of_all() == before
    change("photos/decode.py", with_a_comment)
    assert cache_keys.code_of_all() != before


def test_every_data_file_of_a_component_is_in_a_key():
    """Old results would be reused after a change of a file that no module names."""
    tree = cache_keys.source_tree()
    covered = set(tree.closure(["customer_age.pipeline.graph.create_pipeline"]).files)
    rooms = ("schema", "components", "labels", "photos", "files", "model_registry")
    data = {
        file.relative_to(tree.root).as_posix()
        for room in rooms
        for file in (tree.root / room).rglob("*")
        if file.is_file() and file.suffix != ".py" and "__pycache__" not in file.parts
    }
    assert data
    assert data <= covered


def test_the_fingerprint_of_weights_depends_only_on_their_content(tmp_path):
    file = tmp_path / "some.weights.h5"
    file.write_bytes(b"weights" * 10_000)
    fingerprint = cache_keys.weights_fingerprint(str(file))
    assert re.fullmatch("[0-9a-f]{12}", fingerprint)
    copy = tmp_path / "elsewhere" / "other.weights.h5"
    copy.parent.mkdir()
    shutil.copyfile(file, copy)
    os.utime(copy, (1, 1))
    assert cache_keys.weights_fingerprint(str(copy)) == fingerprint
    times = file.stat()
    file.write_bytes(b"Weights" + b"weights" * 9_999)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert cache_keys.weights_fingerprint(str(file)) != fingerprint


def test_a_keyword_of_weights_is_its_own_fingerprint():
    assert cache_keys.weights_fingerprint("imagenet") == "imagenet"


def test_unreadable_weights_are_reported_in_one_line():
    with pytest.raises(SettingsError, match=r"^trainer.weights: /proc/self/mem cannot be read: \w"):
        cache_keys.weights_fingerprint("/proc/self/mem")  # a file whose first byte cannot be read
