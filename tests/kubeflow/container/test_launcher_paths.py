import pytest

from customer_age.errors import SettingsError
from customer_age.kubeflow.container.launcher_paths import LauncherPaths, with_original_uris


@pytest.mark.parametrize(
    ("uri", "opened"),
    [
        ("minio://mlpipeline/v2/run/examples", "/minio/mlpipeline/v2/run/examples"),
        ("s3://bucket/a/b", "/s3/bucket/a/b"),
        ("gs://bucket/a/b", "/gcs/bucket/a/b"),
        ("/data/photos", "/data/photos"),
        ("https://example.org/x", "https://example.org/x"),
    ],
)
def test_a_uri_is_opened_where_the_launcher_puts_it(uri, opened):
    assert LauncherPaths().opened(uri) == opened


def test_another_root_holds_the_same_folders(tmp_path):
    paths = LauncherPaths.of(str(tmp_path), "")
    assert paths.opened("minio://b/k") == f"{tmp_path}/minio/b/k"
    assert paths.output_file("/minio/b/task/output_metadata.json") == (
        f"{tmp_path}/minio/b/task/output_metadata.json"
    )
    assert paths.output_file("/tmp/kfp_outputs/output_metadata.json") == (
        "/tmp/kfp_outputs/output_metadata.json"
    )
    assert paths.output_file("gs://b/task/executor_output.json") == (
        f"{tmp_path}/gcs/b/task/executor_output.json"
    )


def test_only_what_is_named_is_opened_in_place():
    paths = LauncherPaths.of("/", "gs://large/, gs://larger/")
    assert paths.opened("gs://large/model") == "gs://large/model"
    assert paths.opened("gs://larger/model") == "gs://larger/model"
    assert paths.opened("gs://small/model") == "/gcs/small/model"
    assert paths.opened("minio://large/model") == "/minio/large/model"


@pytest.mark.parametrize("in_place", ["s3://", "minio://bucket", "gs:/b", "gs://b,s3://b"])
def test_what_tfx_cannot_open_is_not_opened_in_place(in_place):
    with pytest.raises(SettingsError, match="gs://"):
        LauncherPaths.of("/", in_place)


def test_paths_in_a_text_are_replaced_by_uris():
    originals = {"/minio/b/run/model": "minio://b/run/model", "/minio/b/run/model_run": "minio://r"}
    text = "no /minio/b/run/model_run/training.json beside /minio/b/run/model/Format-Serving"
    assert with_original_uris(text, originals) == (
        "no minio://r/training.json beside minio://b/run/model/Format-Serving"
    )
