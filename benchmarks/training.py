"""Measure the speed of training, and compare it with its step, its input, and simple Keras code.

    python benchmarks/training.py --photos FOLDER [--count 1024] [--input-size 96] [--rounds 3]

The unit is photos per second of the same ResNet50, from random weights, in batches of 32. The ways
take turns in one process, so that other load on the machine affects all of them equally:

* `trainer`: an epoch of the whole network's phase as the Trainer runs it, with augmentation, the
  schedule, the callbacks and the progress. Its `valid` is one batch.
* `step`: the same compiled step on one batch that stays in memory.
* `input`: the Trainer's batches, without a network.
* `float32`: `trainer`, in full precision; equal to `trainer` on a processor without bfloat16.
* `newcomer`: Keras's ResNet50 and AdamW in float32, `model.fit` on files that Keras's layers
  decode, resize, mirror and shift in brightness in each epoch.

Each way's first epoch does not count, because it traces and decodes. A rate is the median of the
rounds; a share is the median of the shares in each round.
"""

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf

BATCH_SIZE = 32

READ_BATCHES = 256
"""Batches of `input`: many, as some were prepared before the clock starts."""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="a folder with JPEGs in it")
    parser.add_argument("--count", type=int, default=1024, help="photos of each round")
    parser.add_argument("--input-size", type=int, default=96, help="pixels that the network sees")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    files = sorted(arguments.photos.rglob("*.jpg"))[: arguments.count]
    if len(files) < BATCH_SIZE:
        parser.error(
            f"--photos: {len(files)} JPEGs in {arguments.photos}; at least {BATCH_SIZE} are needed"
        )
    with tempfile.TemporaryDirectory() as temporary:
        ways = ways_to_train(files, arguments.input_size, Path(temporary))
        rates = measured(ways, len(files) // BATCH_SIZE * BATCH_SIZE, arguments.rounds)
    print(f"{len(os.sched_getaffinity(0))} cores, {len(files)} photos, "
          f"input size {arguments.input_size}")  # fmt: skip
    for name, of_rounds in rates.items():
        shares = [rate / step for rate, step in zip(of_rounds, rates["step"], strict=True)]
        print(f"{name:9} {statistics.median(of_rounds):7.1f} photos/s, "
              f"{statistics.median(shares):6.1%} of the step")  # fmt: skip


def ways_to_train(files: list[Path], size: int, folder: Path) -> dict[str, Callable[[], float]]:
    """Prepare each way: a function that runs an epoch and returns its seconds."""
    from customer_age.components.trainer import devices

    records = write_examples(files, folder / "train-00000")
    ours = devices.find_device().precision
    return {
        "trainer": trainer(records, len(files), size, ours, folder),
        "step": step(records, len(files), size, ours),
        "input": input_alone(records, len(files), size),
        "float32": trainer(records, len(files), size, "float32", folder),
        "newcomer": newcomer(files, size),
    }


def measured(
    ways: dict[str, Callable[[], float]], photos: int, rounds: int
) -> dict[str, list[float]]:
    """Return each way's photos per second, for each round after the first."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, epoch in ways.items():
            seconds = epoch()
            if number:
                rates[name].append(photos / seconds)
    return rates


def write_examples(files: list[Path], target: Path) -> list[str]:
    """Write examples as PhotoExampleGen does, with made-up ages; return the file's pattern."""
    import tensorflow as tf

    from customer_age.schema import features

    with tf.io.TFRecordWriter(str(target)) as writer:
        for number, file in enumerate(files):
            age = tf.train.FloatList(value=[float(number % 90)])
            photo = tf.train.BytesList(value=[file.read_bytes()])
            feature = {
                features.IMAGE_ENCODED: tf.train.Feature(bytes_list=photo),
                features.REAL_AGE: tf.train.Feature(float_list=age),
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())
    return [str(target)]


def trainer(
    records: list[str], photos: int, size: int, precision: str, folder: Path
) -> Callable[[], float]:
    """Return a function that trains with `phases.train_whole`."""
    from customer_age.components.trainer import devices, inputs, model, phases
    from customer_age.components.trainer.checkpoint.checkpoint import Checkpoint

    ages = inputs.real_ages(records)
    steps = photos // BATCH_SIZE
    valid = inputs.measuring_batches(records, size, BATCH_SIZE, photos).take(1)
    batches = phases.Batches(lambda *_: varied(records, size), valid, steps)

    with devices.precision(precision):
        network = model.build_model(size, "none", 0.2, ages)
    last = last_epoch()

    def epoch() -> float:
        # Two epochs, of which the second counts: the first one includes compiling the step again.
        phases.train_whole(
            network, batches, 2, 1e-4, 1e-4, 9, str(folder / "logs"), Checkpoint(), [last]
        )
        return last.seconds

    return epoch


def last_epoch() -> Any:
    """Return a callback whose `seconds` are those of the last epoch, without the start of `fit`."""
    import keras

    class LastEpoch(keras.callbacks.Callback):
        seconds = 0.0

        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            self.seconds = time.perf_counter() - self.started

    return LastEpoch()


def varied(records: list[str], size: int) -> "tf.data.Dataset":
    """Return the Trainer's batches."""
    from customer_age.components.trainer import inputs

    return inputs.training_batches(records, size, BATCH_SIZE, True, seed=0, in_memory=True)


def step(records: list[str], photos: int, size: int, precision: str) -> Callable[[], float]:
    """Return a function that trains on one batch repeatedly."""
    import tensorflow as tf

    from customer_age.components.trainer import devices, inputs, model, phases

    with devices.precision(precision):
        network = model.build_model(size, "none", 0.2, inputs.real_ages(records))
    phases.compile_whole(network, weight_decay=1e-4)
    network.optimizer.learning_rate = 1e-4
    [batch] = varied(records, size).take(1)
    same = tf.data.Dataset.from_tensors(batch).repeat()
    steps, last = photos // BATCH_SIZE, last_epoch()

    def epoch() -> float:
        network.fit(
            same, steps_per_epoch=steps, epochs=2, verbose=0, shuffle=False, callbacks=[last]
        )
        return last.seconds

    return epoch


def input_alone(records: list[str], photos: int, size: int) -> Callable[[], float]:
    """Return a function that reads the Trainer's batches, decoded as after the first epoch."""
    batches = varied(records, size)

    def epoch() -> float:
        ahead = iter(batches)
        for _ in itertools.islice(ahead, photos // BATCH_SIZE):  # decodes all photos
            pass
        started = time.perf_counter()
        for _ in itertools.islice(ahead, READ_BATCHES):
            pass
        # As if it were one epoch; what was prepared ahead at the start is at the end, too.
        return (time.perf_counter() - started) * (photos // BATCH_SIZE) / READ_BATCHES

    return epoch


def newcomer(files: list[Path], size: int) -> Callable[[], float]:
    """Train as a tutorial does."""
    import keras
    import tensorflow as tf

    def decoded(file: tf.Tensor, age: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        photo = tf.io.decode_jpeg(tf.io.read_file(file), channels=3)
        return tf.image.resize(photo, [size, size]), age

    ages = [float(number % 90) for number in range(len(files))]
    data = tf.data.Dataset.from_tensor_slices(([str(file) for file in files], ages))
    data = data.shuffle(len(files)).map(decoded, tf.data.AUTOTUNE)
    data = data.batch(BATCH_SIZE, drop_remainder=True).prefetch(tf.data.AUTOTUNE)
    photos = keras.Input((size, size, 3))
    varied_photos = keras.layers.RandomFlip("horizontal")(photos)
    varied_photos = keras.layers.RandomBrightness(0.1)(varied_photos)
    prepared = keras.applications.resnet.preprocess_input(varied_photos)
    backbone = keras.applications.ResNet50(include_top=False, weights=None, pooling="avg")
    network = keras.Model(photos, keras.layers.Dense(1)(backbone(prepared)))
    network.compile(keras.optimizers.AdamW(1e-4), loss="mae", metrics=["mae"])

    def epoch() -> float:
        started = time.perf_counter()
        network.fit(data, verbose=0)
        return time.perf_counter() - started

    return epoch


if __name__ == "__main__":
    main()
