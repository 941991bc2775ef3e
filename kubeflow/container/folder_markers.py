"""Removes the objects that represent folders from artifacts written to Cloud Storage in place.

TensorFlow's file system creates an empty object `folder/` for each folder. Kubeflow's launcher
downloads it as a file `folder`, and then fails at every file in the folder: 'not a directory'
(https://github.com/kubeflow/pipelines/issues/13476).
"""

from customer_age.errors import RunError
from customer_age.files import store


def remove_folder_markers(uri: str) -> int:
    """Remove the empty objects under an artifact whose names end with a slash.

    Args:
        uri: such as `gs://bucket/folder`.

    Returns:
        The number of removed objects.

    Raises:
        SettingsError: the client of Cloud Storage is not installed, or has no credentials.
        RunError: the store refused the request.
    """
    try:
        return store.delete_stand_ins(uri)
    except OSError as error:
        raise RunError(
            f"{error}; objects that represent folders must be removed, or Kubeflow cannot download "
            "the artifact: allow the service account to list and delete objects there"
        ) from error
