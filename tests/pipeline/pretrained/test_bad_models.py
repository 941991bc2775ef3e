"""Any other model ends `customer-age weights` with one line and exit code 2."""

import os
import sys

import pytest

from customer_age.pipeline.cli import cli


@pytest.fixture
def refusal(monkeypatch, capsys, tmp_path):
    """Convert, and return the line with the reason why that is not possible."""
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")

    def convert(source, *options, output=tmp_path / "out/resnet50.weights.h5"):
        arguments = ["customer-age", "weights", str(source), "-o", str(output), *options]
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        assert (ended.value.code, printed.out) == (2, "")
        assert not (tmp_path / "out").exists()
        (line,) = printed.err.splitlines()
        return line

    return convert


def _tensor(model, number=0):
    return model["weightsManifest"][0]["weights"][number]


def _quantised(model):
    _tensor(model)["quantization"] = {"dtype": "uint8", "min": -1, "scale": 0.01}


def _half(model):
    _tensor(model)["dtype"] = "float16"


def _missing(model):
    del model["weightsManifest"][0]["weights"][-3]


def _twice(model):
    _tensor(model, 1)["name"] = _tensor(model)["name"]


def _other_shape(model):
    _tensor(model)["shape"] = [3, 3, 3, 64]


def _deeper(model):
    model["weightsManifest"][0]["weights"].append(
        {"name": "res4g_branch2a/kernel", "shape": [1], "dtype": "float32"}
    )


def _huge(model):
    _tensor(model, -2)["shape"] = [2**31] * 8


def _many_dimensions(model):
    _tensor(model, -1)["shape"] = [1] * 1000


def _graph(model):
    model["format"] = "graph-model"


def _no_manifest(model):
    del model["weightsManifest"]


def _shard(path):
    def change(model):
        model["weightsManifest"][0]["paths"][1] = path

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_quantised, "model.json: conv1/kernel is quantised"),
        (_half, "model.json: conv1/kernel is float16, but must be float32"),
        (_missing, "bn5c_branch2c/moving_variance (conv5_block3_3_bn/moving_variance) is missing"),
        (_twice, "model.json: describes one tensor twice"),
        (_other_shape, "conv1/kernel has the shape [3, 3, 3, 64], not [7, 7, 3, 64]"),
        (_deeper, "model.json: does not describe a ResNet50: it has res4g_branch2a/kernel"),
        (_huge, "model.json: its tensors have more than 256 MiB"),
        (_many_dimensions, "does not describe a TensorFlow.js layers model"),
        (_graph, "model.json: is a graph-model"),
        (_no_manifest, "weightsManifest: Field required"),
        (_shard("../secret.bin"), "the shard ../secret.bin leads out of its folder"),
        (_shard("/etc/passwd"), "the shard /etc/passwd "),
        (_shard("below/shard.bin"), "below/shard.bin is not a file next to model.json"),
        (_shard("absent.bin"), "absent.bin is not a file next to model.json"),
        (_shard("link.bin"), "link.bin is not a file next to model.json"),
        (_shard("pipe.bin"), "pipe.bin is not a file next to model.json"),
    ],
)
def test_a_model_that_is_not_the_expected_one(write_model, refusal, tmp_path, change, expected):
    folder = write_model(tmp_path / "model", change=change)
    second = folder / "group1-shard2of23.bin"
    assert second.exists()
    for elsewhere in (tmp_path / "secret.bin", folder / "below/shard.bin"):
        elsewhere.parent.mkdir(exist_ok=True)
        os.link(second, elsewhere)
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    os.mkfifo(folder / "pipe.bin")
    line = refusal(folder)
    assert line.startswith(f"customer-age: {folder}: ")
    assert expected in line.replace("'", "")  # names are quoted


def test_a_shard_that_is_cut_short(write_model, refusal, tmp_path):
    folder = write_model(tmp_path / "model")
    os.truncate(folder / "group1-shard3of23.bin", 1000)
    assert "a file is truncated or belongs to another model" in refusal(folder)


def test_numbers_that_are_not_finite(write_model, refusal, tmp_path):
    folder = write_model(tmp_path / "model")
    with (folder / "group1-shard1of23.bin").open("r+b") as file:
        file.write(b"\xff" * 4)
    assert "conv1/kernel contains numbers that are not finite" in refusal(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 10_000, b"\xff", b" " * (2**22 + 1)])
def test_a_model_json_that_is_damaged(refusal, tmp_path, content):
    (tmp_path / "model.json").write_bytes(content)
    assert "model.json: " in refusal(tmp_path)


def test_options_and_paths(write_model, refusal, tmp_path):
    assert "does not exist" in refusal(tmp_path / "absent")
    assert "contains no model.json" in refusal(tmp_path)
    (tmp_path / "link").symlink_to(write_model(tmp_path.parent / f"{tmp_path.name}-elsewhere"))
    assert "contains no model.json" in refusal(tmp_path)  # the link leads out of the folder
    for name in ("a", "b"):
        write_model(tmp_path / "package" / name)
    assert "contains several models ('package/a', 'package/b')" in refusal(tmp_path)
    one = tmp_path / "package/a"
    assert "the name must end with .weights.h5" in refusal(one, output=tmp_path / "resnet50.h5")
    assert "must be a path on this machine" in refusal(one, output="s3://shop/resnet50.weights.h5")
    assert "must be 64 hexadecimal digits" in refusal(one, "--sha256", "4f46")
    (tmp_path / "folder.weights.h5").mkdir()
    assert "is a folder" in refusal(one, output=tmp_path / "folder.weights.h5")
