"""Removes the objects that stand for folders from what was written to Cloud Storage in place.

TensorFlow's file system makes an object `folder/` of no bytes for each folder. Kubeflow's launcher
downloads that as a file `folder`, and then fails at every file in the folder: 'not a directory'
(https://github.com/kubeflow/pipelines/issues/13476).
"""

from customer_age.errors import RunError
from customer_age.files import store


def remove_folder_markers(uri: str) -> int:
    """Remove the objects of no bytes under an artifact whose names end with a slash.

    Args:
        uri: such as `gs://bucket/folder`.

    Returns:
        How many there were.

    Raises:
        SettingsError: the client of Cloud Storage is not installed, or has no credentials.
        RunError: the store refused.
    """
    try:
        return store.delete_stand_ins(uri)
    except OSError as error:
        raise RunError(
            f"{error}; the objects that stand for folders have to be removed, or Kubeflow cannot "
            "download the artifact: let the service account list and delete objects there"
        ) from error
