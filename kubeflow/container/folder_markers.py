"""Removes the objects that stand for folders from what was written to Cloud Storage in place.

TensorFlow's file system makes an object `folder/` of no bytes for each folder. Kubeflow's launcher
downloads that as a file `folder`, and then fails at every file in the folder: 'not a directory'
(https://github.com/kubeflow/pipelines/issues/13476).
"""

from typing import Any

from customer_age.errors import RunError, SettingsError


def remove_folder_markers(uri: str) -> int:
    """Remove the objects of no bytes under an artifact whose names end with a slash.

    Args:
        uri: such as `gs://bucket/folder`.

    Returns:
        How many there were.

    Raises:
        SettingsError: the client of Cloud Storage is not installed.
        RunError: the store refused.
    """
    try:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import storage
    except ImportError as error:
        raise SettingsError("--in_place: install customer-age[gcs]") from error
    bucket, _, key = uri.removeprefix("gs://").partition("/")
    try:
        client = storage.Client()
        listed = client.list_blobs(bucket, prefix=f"{key.rstrip('/')}/")
        markers: list[Any] = [blob for blob in listed if blob.name.endswith("/") and not blob.size]
        for marker in markers:
            marker.delete()
    except (GoogleAPIError, GoogleAuthError) as error:
        raise RunError(
            f"{uri}: the objects that stand for folders have to be removed, or Kubeflow cannot "
            f"download the artifact: {' '.join(str(error).split())}; let the service account "
            "list and delete objects there"
        ) from error
    return len(markers)
