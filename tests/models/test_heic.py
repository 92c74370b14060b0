"""HEIC is read where pillow-heif is installed; where it is not, the error says how to get it."""

import io

import pytest
from PIL import Image

from models import images
from models.errors import PictureError
from models.heic import is_heic
from models.images import MEDIA_TYPES, decode

HEADER = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def test_heic_pictures_stand_upright() -> None:
    pytest.importorskip("pillow_heif")
    upright = Image.new("RGB", (64, 48), (200, 20, 20))
    upright.paste((20, 20, 200), (32, 0, 64, 48))
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(file, "HEIF", quality=95, exif=exif.tobytes())
    assert is_heic(file.getvalue())
    decoded = decode(file.getvalue())
    assert decoded.size == (64, 48)
    assert decoded.getpixel((5, 24)) == pytest.approx((200, 20, 20), abs=12)
    assert decoded.getpixel((58, 24)) == pytest.approx((20, 20, 200), abs=12)
    assert MEDIA_TYPES[".heic"] == "image/heic"


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "HEIC_AVAILABLE", False)
    monkeypatch.setattr(images, "FORMATS", images.FORMATS[:7])
    with pytest.raises(PictureError, match=r"HEIC picture: `pip install 'hueweave\[heic\]'`"):
        decode(HEADER + bytes(100))


@pytest.mark.parametrize(
    ("data", "heic"),
    [
        (HEADER, True),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heix", True),
        (b"\0\0\0\x14ftypmif1\0\0\0\0mif1heix", False),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", False),
        (b"heic", False),
        (b"", False),
    ],
)
def test_heic_is_known_by_its_brands(data: bytes, heic: bool) -> None:
    assert is_heic(data) is heic
