"""Convert a photo's colours to sRGB, from any of Pillow's modes, with or without an ICC profile."""

import functools
import io
from typing import cast

import numpy as np
from PIL import Image, ImageCms

_MEANINGS = ("icc_profile", "gamma", "srgb")
"""What Pillow's `info` contains about the meaning of pixel values."""

_RESIZABLE = ("L", "RGB", "RGBA", "LA")


def resizable(image: Image.Image) -> Image.Image:
    """Convert an image, without visible loss, to a mode in which pixels can be averaged.

    Palettes and single bits become colours, greys of more than 8 bits become 8 bits, and
    transparent images keep their alpha. Inks become colours: the mean of inks with black is not
    that of their colours. Inks with a profile stay, because only the profile describes them.
    """
    if "transparency" in image.info and image.mode in ("1", "L", "I", "I;16", "RGB", "P"):
        if image.mode.startswith("I"):
            image = _eight_bits(image)
        return image.convert("RGBA")
    if image.mode in _RESIZABLE or (image.mode == "CMYK" and image.info.get("icc_profile")):
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith("I") or image.mode == "F":
        return _eight_bits(image)
    return image.convert("RGBA" if image.mode in ("PA", "La", "RGBa") else "RGB")


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert an image to mode RGB with sRGB colours, transparent parts on white.

    Args:
        image: as `resizable` returns it; its ICC profile or a PNG's gamma, if any, is in `info`.
    """
    profile, gamma = image.info.get("icc_profile"), _stated_gamma(image)
    if image.mode in ("RGBA", "LA"):
        image = _on_white(image)
    if profile and image.mode in ("L", "RGB", "CMYK"):
        transform = _transform_to_srgb(profile, image.mode)
        if transform is not None:
            # Without `inPlace`, `applyTransform` always returns an image.
            return cast(Image.Image, ImageCms.applyTransform(image, transform))
    image = image if image.mode == "RGB" else image.convert("RGB")
    return image.point(_srgb_of_gamma(gamma) * 3) if gamma else image


def _stated_gamma(image: Image.Image) -> float | None:
    """Return the gamma of a PNG whose values are not sRGB's, which is 1 / 2.2 but for little."""
    gamma = image.info.get("gamma", 0.0)
    if "srgb" in image.info or not 0.1 <= gamma <= 10 or abs(2.2 * gamma - 1) < 0.05:
        return None
    return float(gamma)


@functools.lru_cache(maxsize=16)
def _srgb_of_gamma(gamma: float) -> list[int]:
    """Return the value in sRGB, 0 to 255, of each value that was encoded with a power (PNG's gAMA).

    PNG, third edition, 11.3.2.2: the value is the light to the power of gamma. sRGB's curve is that
    of IEC 61966-2-1.
    """
    light = np.linspace(0, 1, 256) ** (1 / gamma)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(255 * encoded).astype(int).tolist()


def _on_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    white = Image.new("RGB", rgba.size, "white")
    white.paste(rgba, mask=rgba.getchannel("A"))
    return white


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale greys of 16 and 32 bits, and floats, to 8 bits; Pillow alone would clip them.

    The file does not always state the depth. So the scale is the smallest usual depth that holds
    all values: 8, 12 or 16 bits, or 0 to 1 for floats; else the largest value itself.
    """
    values = np.array(image, dtype=np.float32)
    np.nan_to_num(values, copy=False, nan=0, posinf=0, neginf=0)
    largest = float(values.max())
    usual = (1, 255, 4095, 65535) if image.mode == "F" else (255, 4095, 65535)
    values *= 255 / next((depth for depth in usual if largest <= depth), largest)
    np.clip(values, 0, 255, out=values)  # In place, because such a photo is large.
    values += 0.5
    grey = Image.fromarray(values.astype(np.uint8), "L")
    grey.info = {name: image.info[name] for name in _MEANINGS if name in image.info}
    return grey


# Cached, because a phone or a scanner writes the same profile into every photo.
@functools.lru_cache(maxsize=16)
def _transform_to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from a profile to sRGB; None if it is not needed or not possible."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.buildTransform(source, _srgb(), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None  # A broken profile, or one for another colour space than the photo's.


@functools.lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
