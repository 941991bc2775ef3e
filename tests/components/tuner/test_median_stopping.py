import types

import pytest

from customer_age.components.artifacts.tuning import Trial
from customer_age.components.tuner.median_stopping import MedianStopping


def trial(*curve):
    return Trial(settings={}, curve=list(curve), epochs=6, stopped_early=False, seconds=1)


OTHERS = [trial(9, 8, 7, 6, 6, 6), trial(9, 9, 8, 8, 8, 8), trial(9, 7, 7, 7, 7, 7)]


@pytest.mark.parametrize(
    ("curve", "others", "epochs"),
    [
        ([9, 8, 7, 7, 6, 5], OTHERS, 6),  # as good as the median, then better
        ([20, 20, 20, 20, 20, 20], OTHERS, 2),  # not after the first epoch of six
        ([9, 8, 7.5, 7, 7, 7], OTHERS, 3),
        ([7, 20, 20, 20, 20, 20], OTHERS, 6),  # its best epoch counts, as for the others
        ([9, 8, 7, 7, 6.9, 9], OTHERS, 6),
        ([20] * 6, OTHERS[:2], 6),  # too few for a comparison
        ([20] * 6, [*OTHERS[:2], trial(None)], 6),
        ([20] * 6, [*OTHERS[:2], trial(8)], 2),  # ended early, but its first epoch counts
    ],
)
def test_a_training_that_is_worse_than_the_median_is_stopped(curve, others, epochs):
    stopping = MedianStopping(others, epochs=6)
    model = types.SimpleNamespace(stop_training=False)
    stopping.set_model(model)
    done = 0
    for epoch, mae in enumerate(curve):
        stopping.on_epoch_end(epoch, {"val_mae": mae})
        done += 1
        if model.stop_training:
            break
    assert done == epochs
    assert stopping.stopped == (epochs < 6)
