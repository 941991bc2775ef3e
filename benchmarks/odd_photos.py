"""Photos written by other programs, through each form in which a model answers.

    python benchmarks/odd_photos.py --photos FOLDER --model FOLDER [--count 11]

Each photo becomes some hundred files: by ImageMagick, GraphicsMagick, ffmpeg, libheif, libavif,
libwebp, libjxl, OpenJPEG, libjpeg's jpegtran, pngquant, gifsicle and exiftool, as far as they are
installed (Debian: imagemagick graphicsmagick ffmpeg libheif-examples libavif-bin webp libjxl-tools
libopenjp2-tools libjpeg-turbo-progs pngquant gifsicle libimage-exiftool-perl). Each file is sent to
the preparation that a run, `predict` and `score` share, to the predictor container's inference, and
to the SavedModel.

A row for each writer: the reason of a refusal, or the largest difference in years from the age that
is evaluated: that of the same picture, upright and in sRGB, as a PNG prepared as in a run. The same
picture is what ImageMagick reads in the file, or what the writer started from where ImageMagick
reads something else (`Writer.shows`). `!` marks a difference above the bounds of docs/serving.md.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

Answers = list[tuple[float, str]]
"""An age in years and a reason, one of which is set, for each file."""

EVALUATED = "run, predict, score"
BOUNDS = {EVALUATED: 0.05, "container": 0.1, "SavedModel": 0.3}
"""Years; the container rounds to tenths."""

READ = "-strip -colorspace sRGB -background white -alpha remove -depth 8"
HALF = "-alpha set -channel A -evaluate set 50%"
LYING = "convert {png} -rotate 270 "
"""The photo on its side: a network reacts to a face that lies, so shown upright it must stand."""

FFMPEG = "ffmpeg -y -loglevel error"
EXIFTOOL = "exiftool -q -overwrite_original -n"


@dataclass(frozen=True)
class Writer:
    """What makes a file.

    Attributes:
        suffix: of the file.
        command: of a shell; `{png}` and `{jpeg}` are the photo, `{out}` is the file.
        shows: the picture to compare with: `file`, what ImageMagick reads in the file; `turned`,
            that turned to the right; `source`, the photo; `half`, the photo half see-through
            on white.
    """

    suffix: str
    command: str
    shows: str = "file"


def magick(suffix: str, options: str = "", shows: str = "file", kind: str = "") -> Writer:
    """Return a writer of ImageMagick's."""
    return Writer(suffix, f"convert {{png}} {options} {kind}{{out}}", shows)


WRITERS: dict[str, Writer] = {
    **{f"jpeg {name}": magick("jpg", options) for name, options in {
        "quality 30": "-quality 30", "4:4:4": "-quality 100 -sampling-factor 1x1",
        "4:1:1": "-sampling-factor 4x1", "4:4:0": "-sampling-factor 1x2",
        "progressive": "-interlace JPEG", "CMYK": "-colorspace CMYK",
        "long comment": "-set comment " + "x" * 60_000,
    }.items()},
    "jpeg grey": magick("jpg", "-colorspace Gray"),
    "jpeg arithmetic": Writer("jpg", "jpegtran -arithmetic -outfile {out} {jpeg}"),
    "jpeg restarts": Writer("jpg", "jpegtran -restart 1 -outfile {out} {jpeg}"),
    "jpeg ffmpeg 4:2:0": Writer("jpg", FFMPEG + " -i {png} -q:v 2 {out}"),
    "jpeg ffmpeg 4:4:4": Writer("jpg", FFMPEG + " -i {png} -pix_fmt yuvj444p -q:v 2 {out}"),
    "jpeg GraphicsMagick": Writer("jpg", "gm convert {png} -quality 85 {out}"),
    "jpeg, bytes behind it": Writer("jpg", "cat {jpeg} {png} > {out}"),
    "jpeg, bytes before it": Writer("jpg", "(printf '\\0\\0'; cat {jpeg}) > {out}", "source"),
    "jpeg, half of it": Writer(
        "jpg", "head -c $(($(stat -c %s {jpeg}) / 2)) {jpeg} > {out}", "source"
    ),
    "jpeg, named .png": Writer("png", "cp {jpeg} {out}"),
    "jpeg EXIF 6": Writer(
        "jpg", LYING + "-quality 92 {out}; " + EXIFTOOL + " -Orientation=6 {out}", "turned"
    ),
    "jpeg EXIF 77": Writer("jpg", "cp {jpeg} {out}; " + EXIFTOOL + " -Orientation=77 {out}"),
    "jpeg XMP 6": Writer(
        "jpg", LYING + "-quality 92 {out}; " + EXIFTOOL + " -XMP-tiff:Orientation=6 {out}", "turned"
    ),
    **{f"png {name}": magick("png", options, shows, kind) for name, (options, shows, kind) in {
        "8": ("-colors 200", "file", "PNG8:"), "48": ("-depth 16", "source", "PNG48:"),
        "grey 16": ("-colorspace Gray -depth 16", "file", ""), "1 bit": ("-monochrome", "file", ""),
        "2 bits": ("-colorspace Gray -colors 4 -depth 2", "file", ""),
        "interlaced": ("-interlace PNG", "source", ""), "32": (HALF, "half", "PNG32:"),
        "64": (HALF, "half", "PNG64:"), "grey, alpha": ("-colorspace Gray " + HALF, "file", ""),
        "linear light": ("-colorspace RGB", "file", ""),
    }.items()},
    "png pngquant": Writer("png", "pngquant --output {out} 64 {png}"),
    "png animated": Writer("png", FFMPEG + " -loop 1 -t 0.2 -i {png} -f apng {out}"),
    "png ffmpeg 48": Writer("png", FFMPEG + " -i {png} -pix_fmt rgb48be {out}"),
    "png EXIF 6": Writer("png", LYING + "{out}; " + EXIFTOOL + " -Orientation=6 {out}", "turned"),
    "gif": magick("gif"),
    "gif animated": magick("gif", r"\( +clone -negate \) -delay 10"),
    "gif interlaced": Writer("gif", "convert {png} gif:- | gifsicle -i > {out}"),
    "gif ffmpeg": Writer("gif", FFMPEG + " -i {png} {out}"),
    **{f"bmp {name}": magick("bmp", options, shows, kind) for name, (options, shows, kind) in {
        "24": ("", "file", "BMP3:"), "of OS/2": ("", "file", "BMP2:"),
        "palette": ("-colors 250 -compress none", "file", "BMP3:"),
        "run lengths": ("-colors 250 -compress RLE", "file", "BMP3:"),
        "alpha": (HALF, "half", "BMP:"), "1 bit": ("-monochrome", "file", "BMP3:"),
        "565": ("-define bmp:subtype=RGB565", "file", ""),
    }.items()},
    **{f"tiff {name}": magick("tif", options, shows) for name, (options, shows) in {
        "plain": ("", "source"), "LZW": ("-compress LZW", "source"),
        "JPEG": ("-compress JPEG", "file"), "16": ("-depth 16 -compress Zip", "source"),
        "CMYK": ("-colorspace CMYK", "file"), "Lab": ("-colorspace Lab", "source"),
        "grey 16": ("-colorspace Gray -depth 16", "file"),
        "fax": ("-monochrome -compress Group4", "file"),
        "floats": ("-depth 32 -define quantum:format=floating-point", "source"),
        "tiles": ("-define tiff:tile-geometry=64x64", "source"),
        "planes": ("-interlace plane", "source"), "alpha": (HALF, "half"),
        "big-endian": ("-define tiff:endian=msb", "source"),
        "pages": (r"\( +clone -negate \)", "source"),
    }.items()},
    "tiff 64": magick("tif", kind="TIFF64:"),
    "tiff YCbCr": Writer("tif", FFMPEG + " -i {png} -pix_fmt yuv420p {out}", "source"),
    "tiff EXIF 6": Writer(
        "tif", LYING + "{out}; " + EXIFTOOL + " -Orientation=6 {out}", "turned"
    ),
    "webp": magick("webp"),
    "webp lossless": Writer("webp", "cwebp -quiet -lossless {png} -o {out}"),
    "webp animated": Writer(
        "webp", FFMPEG + " -loop 1 -t 0.2 -i {png} -vcodec libwebp_anim {out}"
    ),
    "webp EXIF 6": Writer(
        "webp",
        LYING + "{out}.png; cwebp -quiet -lossless {out}.png -o {out}; "
        + EXIFTOOL + " -Orientation=6 {out}",
        "turned",
    ),
    "heic": Writer("heic", "heif-enc -q 80 -o {out} {png}"),
    "heic lossless": Writer("heic", "heif-enc -L -o {out} {png}"),
    "heic, thumbnail": Writer("heic", "heif-enc -q 70 -t 64 -o {out} {png}"),
    "heic 10 bits": Writer(
        "heic", "convert {png} -depth 16 PNG48:{out}.png; heif-enc -b 10 -o {out} {out}.png"
    ),
    "avif": Writer("avif", "avifenc -s 8 {png} {out}"),
    "avif 10 bits": Writer("avif", "avifenc -s 8 -d 10 {png} {out}"),
    "avif turned": Writer("avif", LYING + "{out}.png; avifenc -s 8 --irot 3 {out}.png {out}"),
    "avif libheif": Writer("avif", "heif-enc -A -q 60 -o {out} {png}"),
    "jpeg xl": Writer("jxl", "cjxl -q 90 --quiet {png} {out}", "source"),
    "jpeg 2000": Writer("jp2", "opj_compress -i {png} -o {out}", "source"),
    "jpeg-ls": Writer("jls", FFMPEG + " -i {png} {out}", "source"),
    "psd": magick("psd"), "ico": magick("ico", "-resize 64x64!"), "ppm": magick("ppm"),
    "tga": magick("tga"), "pcx": magick("pcx"), "sgi": magick("sgi"),
}  # fmt: skip


def main() -> None:
    """Write the files, ask each form, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="a folder with JPEGs in it")
    parser.add_argument("--model", type=Path, required=True, help="a SavedModel of ours")
    parser.add_argument("--count", type=int, default=11, help="photos to take")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    photos = sorted(arguments.photos.rglob("*.jpg"))[: arguments.count]
    if not photos or not shutil.which("convert"):
        parser.error("--photos: there must be a JPEG in it; and ImageMagick must be installed")
    with tempfile.TemporaryDirectory() as temporary:
        forms, files, unusual = forms_of(arguments.model), 0, 0
        for name, writer in WRITERS.items():
            written = list(written_by(name, writer, photos, Path(temporary)))
            if written:
                cells, is_unusual = compared(written, forms)
                files, unusual = files + len(written), unusual + is_unusual
                print(f"{'!' if is_unusual else ' '} {name:22} {cells}", flush=True)
            else:
                print(f"  {name:22} not written: {writer.command.split()[0]}", flush=True)
    print(f"{files} files; {unusual} rows beyond the bounds")


def written_by(
    name: str, writer: Writer, photos: Sequence[Path], folder: Path
) -> Iterator[tuple[bytes, bytes]]:
    """Return each file that a writer makes, and the picture in it as a PNG."""
    for number, photo in enumerate(photos):
        png, jpeg = folder / f"{number}.png", folder / f"{number}.jpg"
        if not png.exists():
            shape = ("100%", "150%x100%!", "300%x420%!")[number % 3]
            _run(f"convert {_q(photo)} -strip -resize {shape} -resize '900x900>' PNG24:{_q(png)}")
            _run(f"convert {_q(png)} -quality 92 {_q(jpeg)}")
        out = folder / f"{name.replace(' ', '-').replace('/', '-')}-{number}.{writer.suffix}"
        try:
            _run(writer.command.format(png=_q(png), jpeg=_q(jpeg), out=_q(out)))
            yield out.read_bytes(), _shown(writer.shows, png, out)
        except (subprocess.CalledProcessError, FileNotFoundError):
            continue


def _shown(shows: str, png: Path, out: Path) -> bytes:
    target = out.with_suffix(".shown.png")
    source, options = {
        "file": (out, READ),
        "turned": (out, f"{READ} -rotate 90"),
        "source": (png, ""),
        "half": (png, f"{HALF} +channel -background white -alpha remove"),
    }[shows]
    _run(f"convert {_q(source)}'[0]' {options} PNG24:{_q(target)}")
    return target.read_bytes()


def _run(command: str) -> None:
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)


def _q(path: Path) -> str:
    return shlex.quote(str(path))


def forms_of(model_dir: Path) -> dict[str, Callable[[Sequence[bytes]], Answers]]:
    """Return what answers for files, by the form's name."""
    from customer_age.photos.prepare import prepare_photo
    from customer_age.photos.spec import PhotoSpec
    from customer_age.pipeline.prediction.age_model import AgeModel
    from customer_age.pipeline.serving.inference import Inference
    from customer_age.pipeline.serving.inference_request import Limits
    from customer_age.pipeline.serving.micro_batches import Batching
    from customer_age.pipeline.serving.served_model import ServedModel
    from customer_age.pipeline.serving.serving_metrics import ServingMetrics
    from customer_age.schema.refusals import NO_AGE, PhotoRefused

    model, spec = AgeModel(model_dir), PhotoSpec()
    inference = Inference("age", Limits(), Batching(), ServingMetrics())
    inference.serve(ServedModel("1", model, spec))

    def prepared(content: bytes) -> tuple[float, str]:
        try:
            return float(model.ages([prepare_photo(content, spec).encoded])[0]), ""
        except PhotoRefused as refused:
            return NO_AGE, str(refused.reason)

    def by_container(contents: Sequence[bytes]) -> Answers:
        return [(each.age, each.reason) for each in inference.answers(contents)]

    return {
        EVALUATED: lambda contents: [prepared(each) for each in contents],
        "container": by_container,
        "SavedModel": saved_model(model_dir),
    }


def saved_model(model_dir: Path) -> Callable[[Sequence[bytes]], Answers]:
    """Return what TensorFlow alone answers."""
    import tensorflow as tf

    serve = tf.saved_model.load(str(model_dir)).signatures["serving_default"]

    def answers(contents: Sequence[bytes]) -> Answers:
        answer = serve(image_bytes=tf.constant(list(contents)))
        reasons = [reason.decode() for reason in answer["reason"].numpy()]
        return list(zip(map(float, answer["age"].numpy()), reasons, strict=True))

    return answers


def compared(
    written: Sequence[tuple[bytes, bytes]], forms: dict[str, Callable[[Sequence[bytes]], Answers]]
) -> tuple[str, bool]:
    """Return a row's cells, and whether an age lies beyond its form's bound."""
    files = [file for file, _ in written]
    expected = [age for age, _ in forms[EVALUATED]([png for _, png in written])]
    cells, unusual = [], False
    for form, answer in forms.items():
        found = answer(files)
        reasons = Counter(reason for _, reason in found if reason)
        apart = [
            abs(age - right)
            for (age, reason), right in zip(found, expected, strict=True)
            if not reason
        ]
        unusual |= bool(apart) and max(apart) > BOUNDS[form]
        parts = [f"{max(apart):.2f} years"] if apart else []
        parts += [f"{count} {reason}" for reason, count in reasons.items()]
        cells.append(f"{form}: {', '.join(parts):24}")
    return "  ".join(cells), unusual


if __name__ == "__main__":
    main()
