import sys

import pytest

from customer_age.errors import RunError, SettingsError
from customer_age.kubeflow.container.folder_markers import remove_folder_markers

BUCKET = "artifacts"


@pytest.fixture
def bucket(cloud_storage):
    from google.cloud import storage

    return storage.Client().create_bucket(BUCKET)


def test_only_the_objects_that_represent_folders_are_removed(bucket):
    for name, content in {
        "run/model/": b"",
        "run/model/Format-Serving/": b"",
        "run/model/Format-Serving/saved_model.pb": b"graph",
        "run/model/BLESSED": b"",
        "run/model/odd/": b"not empty",
        "run/model_run/": b"",
    }.items():
        bucket.blob(name).upload_from_string(content)
    assert remove_folder_markers(f"gs://{BUCKET}/run/model") == 2
    assert {blob.name for blob in bucket.list_blobs()} == {
        "run/model/Format-Serving/saved_model.pb",
        "run/model/BLESSED",
        "run/model/odd/",
        "run/model_run/",
    }


def test_a_store_that_refuses_is_reported_with_a_solution(bucket):
    with pytest.raises(RunError, match="gs://no-such-bucket/run.*service account"):
        remove_folder_markers("gs://no-such-bucket/run")


def test_a_missing_credentials_file_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))
    with pytest.raises(SettingsError, match="nothing.json was not found"):
        remove_folder_markers("gs://bucket/run")


def test_a_missing_client_is_reported_with_the_extra_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)
    with pytest.raises(SettingsError, match=r"customer-age\[gcs\]"):
        remove_folder_markers("gs://bucket/run")
