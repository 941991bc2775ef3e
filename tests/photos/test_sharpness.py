import numpy as np
import pytest

from customer_age.photos.sharpness import sharpness


def test_sharpness_is_the_variance_of_the_laplacian():
    luma = np.random.default_rng(1).integers(0, 256, (7, 9), dtype=np.uint8)
    at = luma.astype(int)
    by_hand = [
        at[y - 1, x] + at[y + 1, x] + at[y, x - 1] + at[y, x + 1] - 4 * at[y, x]
        for y in range(1, 6)
        for x in range(1, 8)
    ]
    assert sharpness(luma) == pytest.approx(np.var(by_hand))
    assert sharpness(luma[:2]) == 0.0
