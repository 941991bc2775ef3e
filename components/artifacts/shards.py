"""The files of a split of an Examples artifact, which PhotoExampleGen writes."""

from customer_age.files import store
from customer_age.files.addresses import join


def shard_files(split_folder: str) -> list[str]:
    """The gzipped TFRecords of a split, by name.

    Raises:
        OSError: they cannot be listed.
    """
    names = (entry.name for entry in store.list(split_folder, deep=False))
    return sorted(join(split_folder, name) for name in names if name.endswith(".gz"))
