"""The files of a split, by literal names."""

from customer_age.components.artifacts.shards import shard_files


def test_the_names_of_folders_are_not_patterns(tmp_path):
    folder = tmp_path / "run[1]" / "Split-train"
    folder.mkdir(parents=True)
    for name in ("part-00001.gz", "part-00000.gz", "index.json"):
        (folder / name).touch()
    assert shard_files(f"{folder}/") == [f"{folder}/part-00000.gz", f"{folder}/part-00001.gz"]


def test_a_split_without_files_has_none(tmp_path):
    assert shard_files(str(tmp_path / "Split-train")) == []
