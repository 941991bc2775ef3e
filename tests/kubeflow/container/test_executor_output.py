import json

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import ExecutorInput, ExecutorOutput, RuntimeArtifact

from customer_age.components.artifacts.types import ORIGINAL_URI
from customer_age.kubeflow.container import executor_output
from customer_age.kubeflow.container.executor_input import Invocation


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
        text = executor_output.mended(json.dumps({"artifacts": {"out": given}}), invocation)
        (one,) = json_format.Parse(text, ExecutorOutput()).artifacts["out"].artifacts
        return one.uri, json_format.MessageToDict(one.metadata)

    return mend


def test_what_was_opened_is_told_as_a_uri_even_in_properties(mended, tmp_path):
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


def test_values_of_nothing_are_left_out_for_the_launcher_fails_at_them(mended):
    _, metadata = mended("tfx.Examples", {"span": None, "split_names": '["train"]'})
    assert metadata == {"split_names": '["train"]'}


def test_a_page_is_told_by_its_file(mended, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/report.html").write_text("<!DOCTYPE html>")
    assert mended("system.HTML")[0] == "minio://b/run/out/report.html"
    assert mended("tfx.Model")[0] == "minio://b/run/out", "other artifacts are their folders"


def test_names_of_a_page_and_its_folder_are_no_patterns(tmp_path):
    page = RuntimeArtifact(uri=f"{tmp_path}/run[1]/out/")
    (tmp_path / "run[1]/out/assets.html").mkdir(parents=True)
    (tmp_path / "run[1]/out/re*port.html").touch()
    executor_output.point_to_the_page(page)
    assert page.uri == f"{tmp_path}/run[1]/out/re*port.html"


def test_a_page_that_was_not_written_stays_its_folder(mended, tmp_path):
    (tmp_path / "out").mkdir()
    assert mended("system.HTML")[0] == "minio://b/run/out"


def test_metrics_are_numbers_alone(mended):
    _, metadata = mended(
        "system.Metrics", {"mae": 6.1, "published": 0, "tfx_version": "1.16.0", "x": None}
    )
    assert metadata == {"mae": 6.1, "published": 0}
