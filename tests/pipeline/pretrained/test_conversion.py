import hashlib
import tarfile

import numpy as np
import pytest

from customer_age.errors import SettingsError
from customer_age.pipeline.pretrained import conversion, resnet50


def _random_tensors():
    random = np.random.default_rng(0)
    tensors = {}
    for name, shape in resnet50.shapes().items():
        if name.endswith(("gamma", "moving_variance")):
            tensors[name] = random.uniform(0.5, 1.5, shape).astype(np.float32)
        else:
            scale = np.prod(shape[:-1]) ** -0.5 if len(shape) == 4 else 0.1
            tensors[name] = random.standard_normal(shape, np.float32) * np.float32(scale)
    return tensors


@pytest.mark.slow
def test_keras_loads_the_tensors_of_a_package(write_model, tmp_path):
    """With the older names, in a package like npm's; Keras itself reads the file."""
    import keras

    tensors = _random_tensors()
    package = tmp_path / "resnet.tgz"
    folder = write_model(tmp_path / "package/ResNet50", tensors)
    with tarfile.open(package, "w:gz", compresslevel=0) as tar:
        tar.add(folder, "package/ResNet50")
    output = tmp_path / "made/resnet50.weights.h5"
    assert conversion.convert(package, output, resnet50.sha256(tensors)) == 318

    network = keras.applications.ResNet50(include_top=False, weights=str(output))
    loaded = {"/".join(each.path.split("/")[-2:]): np.asarray(each) for each in network.weights}
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(loaded[name], tensor, err_msg=name)
    assert [each.name for each in output.parent.iterdir()] == [output.name]


def test_the_newer_names_are_read_as_the_older_ones(write_model, tmp_path):
    tensors = dict.fromkeys(resnet50.shapes())
    for number, (name, shape) in enumerate(resnet50.shapes().items()):
        tensors[name] = np.full(shape, number, np.float32)
    for older in (True, False):
        read = resnet50.read(write_model(tmp_path / str(older), tensors, older=older))
        assert {name: tensor.flat[-1] for name, tensor in read.items()} == {
            name: tensor.flat[0] for name, tensor in tensors.items()
        }


def test_the_digest_covers_names_shapes_and_numbers():
    expected = hashlib.sha256(b"a [1, 2]\n\x00\x00\x80\x3f\x00\x00\x00\x40b []\n\x00\x00\x40\x40")
    one_two = np.array([[1, 2]], np.float32)
    assert resnet50.sha256({"b": np.float32(3), "a": one_two}) == expected.hexdigest()
    assert resnet50.sha256({"b": np.float32(3), "a": one_two.T}) != expected.hexdigest()


def test_other_weights_do_not_change_an_existing_file(write_model, tmp_path):
    output = tmp_path / "resnet50.weights.h5"
    output.write_text("before")
    with pytest.raises(SettingsError, match=r"SHA-256 of its tensors is [0-9a-f]{64}, not 4f4699d"):
        conversion.convert(write_model(tmp_path / "zeros"), output)
    assert output.read_text() == "before"
    assert {each.name for each in tmp_path.iterdir()} == {output.name, "zeros"}
