import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from customer_age.components.trainer.optimizer import FusedAdamW

PHOTOS = np.linspace(-1, 1, 32, dtype=np.float32).reshape(8, 4)
AGES = np.linspace(10, 70, 8, dtype=np.float32)[:, None]
OPTIONS = {"learning_rate": 0.02, "weight_decay": 0.1}


def trained(optimizer, policy="float32"):
    keras.utils.set_random_seed(5)
    keras.mixed_precision.set_dtype_policy(policy)
    try:
        model = keras.Sequential(
            [keras.Input([4]), keras.layers.Dense(3), keras.layers.Dense(1, dtype="float32")]
        )
        model.compile(optimizer(**OPTIONS), loss="mae")
        model.fit(PHOTOS, AGES, batch_size=4, epochs=10, shuffle=False, verbose=0)
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    return model.get_weights()


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_it_trains_as_the_adamw_of_keras_does(policy):
    ours, kerass = trained(FusedAdamW, policy), trained(keras.optimizers.AdamW, policy)
    for one, other in zip(ours, kerass, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    assert abs(ours[0]).max() > 0.1


def test_a_variable_is_updated_by_one_operation():
    """The graph of a step, traced and optimized for 214 variables, must stay small."""
    variables = [keras.Variable(np.ones(3, np.float32)) for _ in range(4)]
    optimizer = FusedAdamW(0.1)
    optimizer.build(variables)

    @tf.function
    def step(gradient):
        optimizer.apply([gradient] * 4, variables)

    graph = step.get_concrete_function(tf.ones(3)).graph
    operations = [one.type for one in graph.get_operations()]
    assert operations.count("ResourceApplyAdam") == 4
    assert len(operations) < 4 * 30, "Keras's own takes 193"


ON_TWO_DEVICES = """
import sys
import numpy, tensorflow as tf
[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
sys.path.insert(0, sys.argv[1])
import test_optimizer
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    weights = test_optimizer.trained(test_optimizer.FusedAdamW)
numpy.savez(sys.argv[2], *weights)
"""


@pytest.mark.slow
def test_on_two_devices_it_trains_as_on_one(tmp_path):
    file = tmp_path / "weights.npz"
    command = [sys.executable, "-c", ON_TWO_DEVICES, Path(__file__).parent, file]
    subprocess.run(command, check=True, capture_output=True)
    with np.load(file) as several:
        for one, other in zip(trained(FusedAdamW), several.values(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
