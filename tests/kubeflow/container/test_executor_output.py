import json

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import ExecutorInput, ExecutorOutput, RuntimeArtifact

from customer_age.components.artifacts.types import ORIGINAL_URI
from customer_age.kubeflow.container import executor_input, executor_output
from customer_age.kubeflow.container.executor_input import Invocation
from customer_age.kubeflow.container.launcher_paths import LauncherPaths
from customer_age.pipeline.graph.cache_keys import source_tree


@pytest.fixture
def mended(tmp_path):
    """Mend an output of one artifact, opened in a folder of `tmp_path`."""

    def mend(title: str, metadata=None, uri=None):
        opened = str(tmp_path / "out")
        invocation = Invocation(
            message=ExecutorInput(),
            originals={
                opened: "minio://b/run/out",
                "/minio/b/run/model": "minio://b/run/model",
            },
            titles={"out": title},
            output_file="/tmp/output.json",
        )
        given = {"artifacts": [{"uri": uri or opened, "metadata": metadata or {}}]}
        text = executor_output.converted(json.dumps({"artifacts": {"out": given}}), invocation)
        (one,) = json_format.Parse(text, ExecutorOutput()).artifacts["out"].artifacts
        return one.uri, json_format.MessageToDict(one.metadata)

    return mend


def test_opened_paths_are_replaced_by_uris_even_in_properties(mended, tmp_path):
    uri, metadata = mended(
        "tfx.PushedModel",
        {
            ORIGINAL_URI: "minio://b/run/out",
            "pushed_destination": f"{tmp_path}/out/1",
            "trained_from": "/minio/b/run/model/Format-Serving",
            "pushed": 1,
        },
    )
    assert uri == "minio://b/run/out"
    assert metadata == {
        "pushed_destination": "minio://b/run/out/1",
        "trained_from": "minio://b/run/model/Format-Serving",
        "pushed": 1,
    }


def test_nulls_are_removed_because_the_launcher_fails_at_them(mended):
    _, metadata = mended("tfx.Examples", {"span": None, "split_names": '["train"]'})
    assert metadata == {"split_names": '["train"]'}


def test_the_uri_of_a_page_is_its_file(mended, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/report.html").write_text("<!DOCTYPE html>")
    assert mended("system.HTML")[0] == "minio://b/run/out/report.html"
    assert mended("tfx.Model")[0] == "minio://b/run/out", "other artifacts are their folders"


def test_names_of_a_page_and_its_folder_are_not_patterns(tmp_path):
    page = RuntimeArtifact(uri=f"{tmp_path}/run[1]/out/")
    (tmp_path / "run[1]/out/assets.html").mkdir(parents=True)
    (tmp_path / "run[1]/out/re*port.html").touch()
    executor_output.point_to_the_page(page)
    assert page.uri == f"{tmp_path}/run[1]/out/re*port.html"


def test_a_page_that_was_not_written_stays_its_folder(mended, tmp_path):
    (tmp_path / "out").mkdir()
    assert mended("system.HTML")[0] == "minio://b/run/out"


def test_metrics_are_only_numbers(mended):
    _, metadata = mended(
        "system.Metrics", {"mae": 6.1, "published": 0, "tfx_version": "1.16.0", "x": None}
    )
    assert metadata == {"mae": 6.1, "published": 0}


@pytest.fixture
def written_in_place(tmp_path, monkeypatch):
    """Mend the outputs of a component that wrote to Cloud Storage; gives the launcher's folder."""

    def mend(output_file, in_place="gs://"):
        page = [executor_output.store.Entry("report.html")]
        monkeypatch.setattr(executor_output.store, "list", lambda uri, deep: page)
        uris = {"report": "gs://b/run/report", "model": "gs://b/run/model"}
        outputs = {key: {"artifacts": [{"uri": uri}]} for key, uri in uris.items()}
        outputs["report"]["artifacts"][0]["type"] = {"schemaTitle": "system.HTML"}
        given = {"inputs": {}, "outputs": {"artifacts": outputs, "outputFile": output_file}}
        paths = LauncherPaths.of(str(tmp_path), in_place)
        invocation = executor_input.invocation(json.dumps(given), "{}", paths)
        artifacts = {
            key: {"artifacts": [{"uri": uri}]} for key, uri in uris.items() if key == "report"
        }
        return executor_output.converted(json.dumps({"artifacts": artifacts}), invocation)

    return mend


def folders_without_files(folder):
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_dir() and not list(path.iterdir())
    }


def test_the_launcher_finds_a_folder_for_what_was_written_in_place(written_in_place, tmp_path):
    """The launcher uploads each output; a page's URI is a file's, and must not be overwritten."""
    written_in_place("/gcs/b/run/output_metadata.json")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert folders_without_files(tmp_path / "gcs/b/run") == {"model", "report/report.html"}


def test_on_vertex_no_folder_is_made_for_it_would_be_an_object(written_in_place, tmp_path):
    written_in_place("gs://b/run/executor_output.json")
    assert not list(tmp_path.iterdir())


def test_a_container_needs_no_metadata_service():
    """Kubeflow will replace ML Metadata, so the entry point and the components must not use it."""
    tree = source_tree()
    graph = tree.closure(["customer_age.pipeline.graph.create_pipeline"]).modules
    components = [name for name in graph if name.startswith("customer_age.components.")]
    closure = tree.closure(["customer_age.kubeflow.container.entrypoint", *components])
    assert "tfx" in closure.libraries
    assert "ml_metadata" not in closure.libraries
