"""Measure how sharp a photo is."""

import numpy as np


def sharpness(luma: np.ndarray) -> float:
    """Return the variance of the Laplacian, the focus measure of Pech-Pacheco et al. (ICPR 2000).

    Args:
        luma: uint8, (height, width).

    Returns:
        0 or more; 0 for a picture that is too small for a second derivative.
    """
    if min(luma.shape) < 3:
        return 0.0
    grey = luma.astype(np.int16)  # Holds -4 * 255 to 4 * 255.
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    laplacian -= 4 * grey[1:-1, 1:-1]
    return float(laplacian.var())
