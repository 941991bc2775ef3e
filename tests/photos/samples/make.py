"""Make the samples in this folder; run once by hand, see README.md.

usage: python make.py, where pillow-heif and Pillow are installed, and on PATH are heif-enc,
avifenc and exiftool.
"""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import ExifTags, Image

HERE = Path(__file__).parent
SIZE = (64, 48)
TURNED_BY_CAMERA = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""EXIF's orientation to the orientation of the pixels in such a file."""


def quarters() -> Image.Image:
    """Red and green above, blue and white below."""
    pixels = np.full((SIZE[1], SIZE[0], 3), 255, np.uint8)
    across, down = SIZE[0] // 2, SIZE[1] // 2
    pixels[:down, :across] = (255, 0, 0)
    pixels[:down, across:] = (0, 128, 0)
    pixels[down:, :across] = (0, 0, 255)
    return Image.fromarray(pixels)


def run(*command: object) -> None:
    subprocess.run([str(each) for each in command], check=True, stdout=subprocess.DEVNULL)


def exiftool(file: Path, *arguments: str) -> None:
    run("exiftool", "-q", "-overwrite_original", "-n", *arguments, file)


def turned(scratch: Path) -> None:
    for orientation, turn in TURNED_BY_CAMERA.items():
        upright = quarters()
        lies = upright if turn is None else upright.transpose(turn)
        exif = Image.Exif()
        exif[ExifTags.Base.Make] = "a phone"
        exif[ExifTags.Base.Orientation] = orientation
        png, jpeg = scratch / "lies.png", scratch / "lies.jpg"
        lies.save(png)
        lies.save(jpeg, quality=98, subsampling=0, exif=exif)

        both = HERE / f"both_{orientation}.heic"
        lies.save(both, quality=90, chroma=444, exif=exif.tobytes())
        boxes = HERE / f"boxes_{orientation}.heic"
        boxes.write_bytes(both.read_bytes())
        exiftool(boxes, "-EXIF=")
        alone = HERE / f"exif_{orientation}.heic"
        run("heif-enc", "-q", 90, "-p", "chroma=444", png, "-o", alone)
        exiftool(alone, f"-Orientation={orientation}")

        avif = ("avifenc", "--min", 5, "--max", 10)
        run(*avif, jpeg, HERE / f"both_{orientation}.avif")
        run(*avif, png, HERE / f"exif_{orientation}.avif")
        exiftool(HERE / f"exif_{orientation}.avif", f"-Orientation={orientation}")
    contradicting = HERE / "boxes_3_exif_6.heic"
    contradicting.write_bytes((HERE / "both_3.heic").read_bytes())
    exiftool(contradicting, "-Orientation=6")


def kinds(scratch: Path) -> None:
    """Other kinds of pixels, and a file of several pictures with the second as the main one."""
    picture = quarters()
    grey, clear = scratch / "grey.png", scratch / "clear.png"
    picture.convert("L").save(grey)
    run("heif-enc", "-q", 90, grey, "-o", HERE / "grey.heic")
    see_through = picture.convert("RGBA")
    see_through.paste((0, 0, 0, 0), (SIZE[0] // 2, SIZE[1] // 2, *SIZE))
    see_through.save(clear)
    run("heif-enc", "-q", 90, "-p", "chroma=444", clear, "-o", HERE / "alpha.heic")
    run("heif-enc", "-q", 90, "--premultiplied-alpha", clear, "-o", HERE / "premultiplied.heic")
    values = np.asarray(picture, np.uint16) * 257
    ten_bit = pillow_heif.from_bytes("RGB;16", SIZE, values.tobytes())
    ten_bit.save(HERE / "ten_bit.heic", quality=90, chroma=444)
    black = Image.new("RGB", SIZE)
    several = pillow_heif.from_pillow(black)
    several.add_from_pillow(picture)
    several.add_from_pillow(black)
    several.save(HERE / "second_of_three.heic", quality=90, chroma=444, primary_index=1)


def tiles(scratch: Path) -> None:
    """Tiles of one colour each, from which `heif_writer` makes a grid, as phones do."""
    for colour in ("red", "green", "blue", "white"):
        png = scratch / f"{colour}.png"
        Image.new("RGB", (64, 64), colour).save(png)
        run("heif-enc", "-q", 90, "-p", "chroma=444", png, "-o", HERE / f"tile_{colour}.heic")


def main() -> None:
    pillow_heif.register_heif_opener()
    with tempfile.TemporaryDirectory() as scratch:
        turned(Path(scratch))
        kinds(Path(scratch))
        tiles(Path(scratch))


if __name__ == "__main__":
    main()
