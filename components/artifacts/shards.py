"""The shard files of a split of an Examples artifact from PhotoExampleGen."""

from customer_age.files import store
from customer_age.files.addresses import join


def shard_files(split_folder: str) -> list[str]:
    """Return the paths of a split's gzipped TFRecord files, sorted by name.

    Raises:
        OSError: the folder cannot be listed.
    """
    names = (entry.name for entry in store.list(split_folder, deep=False))
    return sorted(join(split_folder, name) for name in names if name.endswith(".gz"))
