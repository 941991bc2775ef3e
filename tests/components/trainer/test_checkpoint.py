"""A training that ends in an epoch resumes with that epoch, on a network of two layers."""

import itertools
import json
import logging
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from customer_age.components.trainer import devices, phases
from customer_age.components.trainer.checkpoint.checkpoint import Checkpoint
from customer_age.components.trainer.checkpoint.training_fingerprint import training_fingerprint
from customer_age.components.trainer.layers.age_distribution import YEARS
from customer_age.components.trainer.model import BACKBONE
from customer_age.components.trainer.progress import LOGGER
from customer_age.errors import RunError

STEPS, HEAD_EPOCHS, EPOCHS, RATE = 5, 2, 4, 0.05


class Ended(BaseException):
    """Simulates the end of the process."""


class Training:
    """One training, which several processes begin or resume."""

    def __init__(self, folder, precision="float32", patience=None, rate=RATE, epochs=EPOCHS):
        self._folder = folder
        self._precision = precision
        self._patience = patience
        self._rate = rate
        self._epochs = epochs
        self.steps = []
        """Phase, epoch and step of all training steps, over all processes."""

    def begin(self, saved=True, end_at=None, training="mine"):
        """Train until a phase, an epoch and a step; return weights and history."""
        keras.utils.set_random_seed(7)
        checkpoint = Checkpoint(self._folder / "kept" if saved else None, training)
        data = _data()

        def train(phase, done):
            once = tf.data.Dataset.range(1)
            shuffled = once.flat_map(lambda _: data.shuffle(40, seed=len(phase)).repeat())
            return shuffled.skip(done * STEPS * 8).batch(8)

        batches = phases.Batches(train, data.batch(20), STEPS)
        logs = checkpoint.log_folder(str(self._folder / "logs"))
        with devices.precision(self._precision), AtEachStep(self.steps, end_at):
            model = _network()
            head = phases.train_head(model, batches, HEAD_EPOCHS, self._rate, logs, checkpoint)
            whole = phases.train_whole(
                model, batches, self._epochs, self._rate, 0.01, self._patience, logs, checkpoint
            )
        history = [{**epoch, "seconds": 0} for epoch in [*head, *whole]]
        return model.get_weights(), history


def _network():
    return keras.Sequential(
        [
            keras.Input([4]),
            keras.layers.Dense(8, activation="relu", name=BACKBONE),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(len(YEARS), dtype="float32"),
        ]
    )


def _data():
    random = np.random.default_rng(1)
    x = random.normal(size=(40, 4)).astype(np.float32)
    y = 30 + 8 * x.sum(axis=1, keepdims=True) + random.normal(size=(40, 1)).astype(np.float32)
    return tf.data.Dataset.from_tensor_slices((x, y))


class AtEachStep(logging.Handler):
    def __init__(self, steps, end_at):
        super().__init__(logging.DEBUG)
        self._steps = steps
        self._end_at = end_at

    def __enter__(self):
        self._level = LOGGER.level
        LOGGER.setLevel(logging.DEBUG)
        LOGGER.addHandler(self)

    def __exit__(self, *_):
        LOGGER.removeHandler(self)
        LOGGER.setLevel(self._level)

    def emit(self, record):
        if record.levelno == logging.DEBUG:
            moment = record.training
            at = (moment.phase, moment.epoch, moment.step)
            self._steps.append(at)
            if at == self._end_at:
                raise Ended


def assert_same(one, other):
    for ours, theirs in zip(one[0], other[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert one[1] == other[1]


@pytest.mark.parametrize(
    ("precision", "ends"),
    [
        ("float32", [("head", 1, 3), ("head", 2, 2)]),
        ("float32", [("whole", 1, 1)]),
        ("float32", [("whole", 2, 3), ("whole", 2, 4), ("whole", 4, 5)]),
        ("mixed_float16", [("whole", 3, 3)]),
    ],
)
def test_a_resumed_training_has_the_result_of_an_uninterrupted_one(tmp_path, ends, precision):
    uninterrupted = Training(tmp_path, precision).begin(saved=False)
    training = Training(tmp_path, precision)
    for end in ends:
        with pytest.raises(Ended):
            training.begin(end_at=end)
    assert_same(training.begin(), uninterrupted)
    whole_epochs = {
        **{("head", epoch): STEPS for epoch in range(1, HEAD_EPOCHS + 1)},
        **{("whole", epoch): STEPS for epoch in range(1, EPOCHS + 1)},
    }
    lost = {(phase, epoch) for phase, epoch, _ in ends}
    for (phase, epoch), of in itertools.groupby(sorted(training.steps), lambda at: at[:2]):
        if (phase, epoch) not in lost:
            assert len(list(of)) == whole_epochs.pop((phase, epoch)), "no epoch is trained twice"
    assert whole_epochs.keys() == lost


def test_early_stopping_resumes_with_its_patience_and_the_best_weights(tmp_path):
    uninterrupted = Training(tmp_path, patience=2, rate=3.0, epochs=8).begin(saved=False)
    epochs = [epoch["val_mae"] for epoch in uninterrupted[1] if epoch["phase"] == "whole"]
    best = epochs.index(min(epochs)) + 1
    assert len(epochs) == best + 2 < 8, "it was stopped two epochs after the best one"
    training = Training(tmp_path, patience=2, rate=3.0, epochs=8)
    with pytest.raises(Ended):
        training.begin(end_at=("whole", best + 2, 2))
    assert_same(training.begin(), uninterrupted)


def test_without_patience_a_training_has_all_its_epochs(tmp_path):
    """With patience, the same training is stopped: the test before this one."""
    training = Training(tmp_path, rate=3.0, epochs=8)
    epochs = [epoch["epoch"] for epoch in training.begin()[1] if epoch["phase"] == "whole"]
    assert epochs == list(range(1, 9))


@pytest.mark.parametrize("epochs", [1, 8])
def test_a_finished_training_is_not_trained_again(tmp_path, epochs):
    """With 8 epochs, it was stopped early."""
    training = Training(tmp_path, patience=2, rate=3.0, epochs=epochs)
    first = training.begin()
    steps = len(training.steps)
    assert_same(training.begin(), first)
    assert len(training.steps) == steps


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of a checkpoint after the last epoch."""
    folder = tmp_path_factory.mktemp("finished")
    Training(folder, epochs=1).begin()
    return folder / "kept"


@pytest.fixture
def kept(finished, tmp_path):
    """Return a copy of it that a test may damage."""
    return shutil.copytree(finished, tmp_path / "kept")


def test_the_checkpoint_of_another_training_is_not_used_but_deleted(kept, caplog):
    (kept / "of the user").write_text("is not deleted")
    assert Checkpoint(kept, "mine").epochs_done("whole") == 1
    checkpoint = Checkpoint(kept, "with other settings")
    assert (checkpoint.epochs_done("whole"), checkpoint.history) == (0, {})
    assert [file.name for file in kept.iterdir()] == ["of the user"]
    assert "it belongs to other settings, data, code or libraries" in caplog.text


def test_a_checkpoint_with_a_damaged_byte_is_not_used(kept, caplog):
    file = kept / "checkpoint.npz"
    content = file.read_bytes()
    state = np.load(file)["state"].tobytes()
    random = np.random.default_rng(3)
    offsets = random.choice(len(content), 150, replace=False)
    used = []
    for offset in offsets:
        damaged = bytearray(content)
        damaged[offset] ^= 0xFF
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(damaged)
        if Checkpoint(kept, "mine").epochs_done("whole"):
            used.append(offset)
        else:
            assert not kept.exists(), "it is deleted before the next try"
    assert "is not used: it is damaged" in caplog.text
    for offset in used:  # metadata of the archive's members, such as times: not their content
        damaged = bytearray(content)
        damaged[offset] ^= 0xFF
        kept.mkdir(exist_ok=True)
        file.write_bytes(damaged)
        with np.load(file) as read:
            assert read["state"].tobytes() == state
    assert len(used) < len(offsets) / 2


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_an_incomplete_checkpoint_is_not_used(kept, caplog, share):
    content = (kept / "checkpoint.npz").read_bytes()
    (kept / "checkpoint.npz").write_bytes(content[: int(share * len(content))])
    assert Checkpoint(kept, "mine").epochs_done("whole") == 0
    assert "is not used: it is damaged" in caplog.text
    assert not kept.exists()


def test_a_checkpoint_of_another_network_ends_the_training_once(kept):
    with np.load(kept / "checkpoint.npz") as read:
        arrays = {**read}
    del arrays["optimizer/0"]
    np.savez(kept / "checkpoint.npz", **arrays)
    training = Training(kept.parent, epochs=1)
    with pytest.raises(RunError, match=r"belongs to another network and was deleted: run the same"):
        training.begin()
    assert not (kept / "checkpoint.npz").exists()


class Averaged(keras.callbacks.Callback):
    """A callback with an array as its state."""

    def __init__(self):
        super().__init__()
        self.average = np.zeros(3)

    def state(self):
        return {"average": self.average}

    def restore(self, state):
        self.average = state["average"]


def test_the_state_of_each_resumable_callback_is_saved_and_restored(tmp_path):
    inputs, ages = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
    for averages in ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]):
        checkpoint, callback = Checkpoint(tmp_path / "kept", "mine"), Averaged()
        model = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
        model.compile("sgd", "mae")
        model.optimizer.build(model.trainable_variables)
        checkpoint.history.setdefault("whole", [])
        callback.average = np.array(averages)
        savers = checkpoint.savers("whole", 2, [keras.callbacks.Callback(), callback])
        done = checkpoint.epochs_done("whole")
        model.fit(*(inputs, ages), epochs=done + 1, initial_epoch=done, callbacks=savers, verbose=0)
    assert callback.average.tolist() == [1.0, 2.0, 3.0]


def test_without_a_folder_no_checkpoint_is_saved(tmp_path, monkeypatch):
    monkeypatch.delenv("CUSTOMER_AGE_CHECKPOINT_FOLDER", raising=False)
    checkpoint = Checkpoint.from_environment("mine")
    assert checkpoint.savers("whole", 1, []) == []
    assert checkpoint.log_folder("gs://b/run") == "gs://b/run"
    monkeypatch.setenv("CUSTOMER_AGE_CHECKPOINT_FOLDER", str(tmp_path / "kept"))
    assert Checkpoint.from_environment("mine").savers("whole", 1, [])
    assert not (tmp_path / "kept").exists()


def test_the_fingerprint_depends_on_settings_data_and_first_weights_but_not_on_locations(tmp_path):
    settings, weights = {"seed": 0, "code": "a"}, [np.arange(4.0)]
    for folder, content in (("1", b"photos"), ("2", b"photos"), ("3", b"others")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "data-0").write_bytes(content)

    def of(folder="1", settings=settings, weights=weights):
        return training_fingerprint(settings, [f"{tmp_path / folder}/*"], weights)

    assert of() == of("2")
    others = [of("3"), of(settings={"seed": 1, "code": "a"}), of(weights=[np.arange(4.0) + 1])]
    assert len({of(), *others}) == 4


def test_a_training_killed_while_it_saves_an_epoch_resumes_after_the_previous_one(
    tmp_path, monkeypatch
):
    training = Training(tmp_path)
    uninterrupted = training.begin(saved=False)
    write, written = np.savez, []

    def killed(file, **arrays):
        written.append(json.loads(str(arrays["state"])))
        if len(written) == 4:
            file.write(b"half of it")
            raise Ended
        write(file, **arrays)

    monkeypatch.setattr(np, "savez", killed)
    with pytest.raises(Ended):
        training.begin()
    assert (written[-1]["phase"], written[-1]["epoch"]) == ("whole", 2)
    training.steps.clear()
    assert_same(training.begin(), uninterrupted)
    assert training.steps[0] == ("whole", 2, 1)


def test_a_full_disk_does_not_end_the_training(tmp_path, monkeypatch, caplog):
    training = Training(tmp_path)
    uninterrupted = training.begin(saved=False)

    def full(file, **arrays):
        file.write(b"as much as fits")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert_same(training.begin(), uninterrupted)
    assert "Epoch 1 of head cannot be saved for another try: [Errno 28]" in caplog.text
    assert not [file for file in (tmp_path / "kept").iterdir() if file.name != "logs"]
