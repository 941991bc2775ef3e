"""Each kind of photo through each form in which a model answers: the table of docs/serving.md.

`UPDATE_DOCS=1` rewrites the table.
"""

import io
import os
import re
import struct
import zlib
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from customer_age.components.canary import edge_case_images as edge_cases
from customer_age.components.photo_example_gen import examples
from customer_age.components.trainer.serving_graph import signatures
from customer_age.photos.prepare import prepare_photo
from customer_age.photos.spec import PhotoSpec
from customer_age.pipeline.demo_faces.portrait import draw_face
from customer_age.pipeline.prediction.age_model import AgeModel
from customer_age.pipeline.serving.inference import Inference
from customer_age.pipeline.serving.inference_request import Limits
from customer_age.pipeline.serving.micro_batches import Batching
from customer_age.pipeline.serving.served_model import ServedModel
from customer_age.pipeline.serving.serving_metrics import ServingMetrics
from customer_age.schema.refusals import NO_AGE, PhotoRefused

PAGE = Path(__file__).parents[3] / "docs" / "serving.md"
SAMPLES = Path(__file__).parents[2] / "photos" / "samples"
SPEC = PhotoSpec()
SIDE = 96

BOUND = 0.05
"""Years by which a form may differ from what is evaluated: the age of the same picture, upright
and in sRGB, prepared as in a run."""

UNROUNDED, ROUNDED = "run, `predict`, `score`", "predictor container"
"""The same preparation; the second rounds to tenths, as `predict` does."""

UNLIKE = {
    "GIF, see-through": "age, as if it were solid",
}
"""Kinds with another age from a SavedModel, because its graph cannot do our preparation."""


def face(width=400, height=300):
    whole = draw_face(34, np.random.default_rng(5), max(width, height))
    return whole.crop((0, 0, width, height))


def encoded(image, format_name, **options):
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def other_profile(file_format="JPEG"):
    """A picture in a colour space with another red; in sRGB it is `face()`."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    renamed = ("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    for one, other in (renamed, (b"rXYZ", b"?XYZ"), (b"bXYZ", b"rXYZ"), (b"?XYZ", b"bXYZ")):
        profile = profile.replace(one, other)
    red, green, blue = face().split()
    swapped = Image.merge("RGB", (blue, green, red))
    return encoded(swapped, file_format, quality=97, icc_profile=profile)


def bomb():
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunks = (b"IHDR" + header, b"IDAT" + zlib.compress(b"\0"), b"IEND")
    png = b"".join(
        struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each))
        for each in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + png


def see_through(image):
    """Make half of the picture transparent, so that the background is visible."""
    alpha = Image.new("L", image.size, 255)
    alpha.paste(0, (0, 0, image.width // 2, image.height))
    with_alpha = image.copy()
    with_alpha.putalpha(alpha)
    return with_alpha


def keyed(image):
    """Make one colour of a palette transparent."""
    palette = image.quantize(16)
    palette.info["transparency"] = palette.getpixel((0, 0))
    return palette


def on_white(image):
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def xmp_6(image):
    """A JPEG whose XMP alone says that it is to be turned."""
    description = b'<rdf:Description tiff:Orientation="6"/>'
    segment = b"http://ns.adobe.com/xap/1.0/\0" + description
    jpeg = encoded(image, "JPEG", quality=95)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def linear(image):
    """The same picture, whose values are the light itself (PNG's gAMA is 1)."""
    chunk = PngImagePlugin.PngInfo()
    chunk.add(b"gAMA", struct.pack(">I", 100_000))
    values = np.asarray(image) / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    # Sixteen bits would be usual, and Pillow writes none in colour.
    return encoded(Image.fromarray(np.round(255 * light).astype(np.uint8)), "PNG", pnginfo=chunk)


def deep(image):
    """Sixteen bits of grey."""
    return Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)


def kinds():
    """Each kind's files with the picture that each shows; None: it shows no picture."""
    lies, stands = face(), face(300, 400)
    jpeg = encoded(lies, "JPEG", quality=95)
    heic = [prepare_photo((SAMPLES / "boxes_1.heic").read_bytes(), PhotoSpec(min_size=16))]
    heic = Image.open(io.BytesIO(heic[0].encoded))
    names = ("boxes_6.heic", "exif_6.heic", "both_6.heic")

    def read_rgba(content):
        return Image.open(io.BytesIO(content)).convert("RGBA")

    def read(content):
        """Return the picture that Pillow reads: a lossy file is compared with itself."""
        return ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")

    pngs = edge_cases.turned(lies, "PNG")
    turned = [each for image in (lies, stands) for each in edge_cases.turned(image)]
    return {
        "JPEG": [(jpeg, read(jpeg))],
        "JPEG turned by EXIF, 8 ways, lying and standing": [(each, read(each)) for each in turned],
        "JPEG turned by XMP alone": [(xmp_6(lies), lies.transpose(Image.Transpose.ROTATE_270))],
        "JPEG, progressive": [(each := encoded(lies, "JPEG", progressive=True), read(each))],
        "JPEG, grey": [(each := encoded(lies.convert("L"), "JPEG"), read(each))],
        "JPEG, CMYK": [(each := encoded(lies.convert("CMYK"), "JPEG"), read(each))],
        "JPEG with a colour profile": [(other_profile(), lies)],
        "PNG": [(encoded(lies, "PNG"), lies)],
        "PNG turned by EXIF, 8 ways": [(each, read(each)) for each in pngs],
        "PNG with a colour profile": [(other_profile("PNG"), lies)],
        "PNG of a stated gamma": [(linear(lies), lies)],
        "PNG, see-through": [
            (encoded(each, "PNG"), on_white(each.convert("RGBA")))
            for each in (see_through(lies), see_through(lies).convert("LA"), keyed(lies))
        ],
        "PNG, palette": [(encoded(lies.quantize(64), "PNG"), lies.quantize(64).convert("RGB"))],
        "PNG, 16 bits of grey": [(encoded(deep(lies), "PNG"), lies.convert("L").convert("RGB"))],
        "GIF": [(encoded(lies.quantize(64), "GIF"), lies.quantize(64).convert("RGB"))],
        "GIF, see-through": [
            (each := encoded(see_through(lies), "GIF"), on_white(read_rgba(each)))
        ],
        "BMP": [(encoded(lies, "BMP"), lies)],
        "BMP, palette": [(encoded(lies.quantize(64), "BMP"), lies.quantize(64).convert("RGB"))],
        "WebP": [(encoded(lies, "WEBP", lossless=True), lies)],
        "TIFF": [(encoded(lies, "TIFF"), lies)],
        "HEIC, turned": [((SAMPLES / name).read_bytes(), heic) for name in names],
        "JPEG 2000": [(encoded(lies, "JPEG2000"), None)],
        "cut off": [(jpeg[: len(jpeg) // 2], None)],
        "a text": [(b"not a photo", None)],
        "empty": [(b"", None)],
        "30,000 x 30,000 pixels in 60 bytes": [(bomb(), None)],
        "8 x 8 pixels": [(encoded(lies.resize((8, 8)), "PNG"), None)],
    }


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory):
    """A network sensitive to the place and colour of bright areas, over some 80 years."""
    photos = keras.Input((SIDE, SIDE, 3))
    deviation = keras.layers.Dense(1)
    flat = keras.layers.Flatten()(photos)
    age = keras.layers.Rescaling(1.0, 40.0)(deviation(flat))
    network = keras.Model(photos, age)
    rows, columns, colours = np.meshgrid(
        np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE), [1.0, 0.4, -1.0], indexing="ij"
    )
    kernel = (rows + 0.6 * columns + colours) / SIDE**2 / 4
    deviation.set_weights([kernel.reshape(-1, 1).astype(np.float32), np.zeros(1, np.float32)])
    folder = tmp_path_factory.mktemp("forms") / "model"
    signatures.export(network, str(folder))
    return folder


@pytest.fixture(scope="module")
def forms(saved_model):
    """Each form's answers for files: ages, each with a reason."""
    graph = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    model = AgeModel(saved_model)
    inference = Inference("age", Limits(), Batching(), ServingMetrics())
    inference.serve(ServedModel("1", model, SPEC))

    def prepared(content):
        try:
            return float(model.ages([examples.prepare_photo(content, SPEC).encoded])[0]), ""
        except PhotoRefused as refused:
            return NO_AGE, str(refused.reason)

    def by_graph(contents):
        answer = graph(image_bytes=tf.constant(list(contents)))
        reasons = [reason.decode() for reason in answer["reason"].numpy()]
        return list(zip(map(float, answer["age"].numpy()), reasons, strict=True))

    def by_container(contents):
        return [(each.age, each.reason) for each in inference.answers(contents)]

    return {
        UNROUNDED: lambda contents: [prepared(each) for each in contents],
        ROUNDED: by_container,
        "SavedModel": by_graph,
    }


def years_apart(answers, truth):
    """Return the largest difference between ages, where both exist."""
    return max(abs(age - true) for (age, _), true in zip(answers, truth, strict=True))


def check_rounded(tenths, answers, kind):
    """Check that ages are the same to a tenth: the last bit of one in a batch may differ."""
    assert [reason for _, reason in tenths] == [reason for _, reason in answers], kind
    assert all(age == round(age, 1) for age, _ in tenths), kind
    assert years_apart(tenths, [age for age, _ in answers]) <= 0.05 + 1e-3, kind


def in_words(kind, form, answers, truth):
    """Return a form's answers for all files of a kind, in one text for a table."""
    reasons = {reason for _, reason in answers}
    assert len(reasons) == 1, (kind, form, reasons)
    if reason := reasons.pop():
        assert {age for age, _ in answers} == {NO_AGE}, (kind, form)
        return f"`{reason}`"
    apart = years_apart(answers, truth)
    if form == "SavedModel" and kind in UNLIKE:
        assert apart > BOUND, f"{kind}: it needs no exception, {apart:.3f} years"
        return UNLIKE[kind]
    assert apart <= BOUND, (kind, form, apart)
    return "age"


@pytest.fixture(scope="module")
def table(forms):
    """Each kind, and the answers of each form."""
    found = {}
    for kind, files in kinds().items():
        contents = [content for content, _ in files]
        shown = [encoded(image, "PNG") for _, image in files if image is not None]
        truth = [age for age, _ in forms[UNROUNDED](shown)] if shown else []
        answers = {form: ask(contents) for form, ask in forms.items()}
        check_rounded(answers.pop(ROUNDED), answers[UNROUNDED], kind)
        cells = {form: in_words(kind, form, each, truth) for form, each in answers.items()}
        found[kind] = [cells.get(form, cells[UNROUNDED]) for form in forms]
    return found


def test_the_page_lists_the_answer_of_each_form_for_each_kind(table, forms):
    header = f"| a photo | {' | '.join(forms)} |\n|{' --- |' * (len(forms) + 1)}\n"
    lines = "".join(f"| {kind} | {' | '.join(cells)} |\n" for kind, cells in table.items())
    page = PAGE.read_text()
    [before] = re.findall(r"^\| a photo \|.*\n(?:\|.*\n)+", page, re.MULTILINE)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(page.replace(before, header + lines))
        before = header + lines
    assert before == header + lines
    assert f"{BOUND:g} years" in page
