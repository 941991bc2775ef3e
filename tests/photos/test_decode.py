import struct
import zlib

import pytest
from PIL import Image
from quarters import encoded, prepare, quarters

from customer_age.photos.decode import MAX_FILE_BYTES
from customer_age.schema.refusals import PhotoRefused, Reason


def _png_that_claims(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = encoded(quarters(), "PNG")
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.FILE_EMPTY),
        (b"no photo at all", Reason.NOT_AN_IMAGE),
        (b"%PDF-1.7\n", Reason.FORMAT_UNSUPPORTED),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Reason.FORMAT_UNSUPPORTED),
        (b"P6 64 64 255\n" + bytes(64 * 64 * 3), Reason.FORMAT_UNSUPPORTED),
        (bytes(1000), Reason.NOT_AN_IMAGE),
        (encoded(quarters(), "JPEG")[:-400], Reason.TRUNCATED),
        (encoded(quarters(), "JPEG", progressive=True)[:-400], Reason.TRUNCATED),
        (encoded(quarters(), "PNG")[:-60], Reason.TRUNCATED),
        (encoded(quarters(), "BMP")[:-400], Reason.TRUNCATED),
        (encoded(quarters(), "TIFF")[:-400], Reason.TRUNCATED),
        # A cut TIFF and BigTIFF whose only directory was behind the pixels, as most writers put it.
        (b"II*\0" + (900).to_bytes(4, "little") + bytes(500), Reason.TRUNCATED),
        (b"MM\0*" + (900).to_bytes(4, "big") + bytes(500), Reason.TRUNCATED),
        (b"II+\0\x08\0\0\0" + (900).to_bytes(8, "little") + bytes(500), Reason.TRUNCATED),
        (encoded(quarters(), "GIF")[:-60], Reason.TRUNCATED),
        (encoded(quarters(), "WEBP")[:-60], Reason.TRUNCATED),
        (encoded(quarters((160, 15)), "JPEG"), Reason.TOO_SMALL),
        (encoded(Image.new("RGB", (1, 1)), "PNG"), Reason.TOO_SMALL),
        (_png_that_claims(60_000, 60_000), Reason.TOO_MANY_PIXELS),
        (_png_that_claims(12_000, 12_000), Reason.TOO_MANY_PIXELS),
        (_png_that_claims(8_000, 8_000), Reason.TOO_MANY_PIXELS),
        (_png_that_claims(70_000, 20), Reason.TOO_MANY_PIXELS),
        (bytes(MAX_FILE_BYTES + 1), Reason.FILE_TOO_LARGE),
    ],
    ids=["empty", "text", "PDF", "SVG", "PPM", "zeros", "cut JPEG", "cut progressive JPEG",
         "cut PNG", "cut BMP", "cut TIFF", "half a TIFF", "half a big-endian TIFF",
         "half a BigTIFF", "cut GIF", "cut WEBP", "small", "one pixel", "bomb", "144 megapixels",
         "64 megapixels", "long", "large file"],
)  # fmt: skip
def test_bad_photos_are_refused_with_a_reason(content, reason):
    with pytest.raises(PhotoRefused) as caught:
        prepare(content)
    assert caught.value.reason == reason
    assert caught.value.detail
    assert "\n" not in caught.value.detail
