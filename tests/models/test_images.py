"""Good pictures of every kind come out as upright RGB."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from models.errors import PictureError, PictureTooLargeError
from models.images import Limits, decode, read_picture

WHITE, RED, GREEN = (255, 255, 255), (255, 0, 0), (0, 255, 0)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def quarters() -> Image.Image:
    """A 40 x 24 picture whose four quarters differ, so every turn and flip shows."""
    image = Image.new("RGB", (40, 24), (250, 20, 20))
    image.paste((20, 200, 20), (20, 0, 40, 12))
    image.paste((20, 20, 250), (0, 12, 20, 24))
    return image


def gradient(width: int, height: int) -> Image.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    red, green = rows * 255 / height, columns * 255 / width
    return Image.fromarray(np.stack([red, green, 0 * red], axis=2).astype(np.uint8))


def first_pixel(data: bytes) -> Any:
    image = decode(data)
    assert image.mode == "RGB"
    return image.getpixel((0, 0))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_come_out_as_they_went_in(kind: str) -> None:
    image = gradient(33, 20)
    lossless = {"lossless": True} if kind == "WEBP" else {}
    assert np.array_equal(decode(encode(image, kind, **lossless)), image)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "MPO"])
def test_lossy_formats_come_out_nearly_as_they_went_in(kind: str) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("Pillow is built without AVIF here")
    image = gradient(64, 48)
    decoded = np.asarray(decode(encode(image, kind, quality=95)), dtype=float)
    assert np.abs(decoded - np.asarray(image)).mean() < 4


def test_a_single_pixel_is_a_picture() -> None:
    assert first_pixel(encode(Image.new("RGB", (1, 1), RED), "PNG")) == RED


def test_cmyk_keeps_its_colors() -> None:
    paint = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    paint.paste((255, 0, 0, 0), (8, 0, 16, 16))
    decoded = decode(encode(paint, "JPEG", quality=95))
    assert decoded.getpixel((2, 8)) == pytest.approx(RED, abs=6)
    assert decoded.getpixel((13, 8)) == pytest.approx((0, 255, 255), abs=6)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("value", "grey"), [(0, 0), (0x8000, 128), (0xFFFF, 255)])
def test_16_bit_grey_keeps_its_brightness(kind: str, value: int, grey: int) -> None:
    image = Image.fromarray(np.full((3, 3), value, np.uint16))
    assert first_pixel(encode(image, kind)) == (grey,) * 3


def test_floating_point_grey_keeps_its_brightness() -> None:
    assert first_pixel(encode(Image.new("F", (3, 3), 0.5), "TIFF")) == (128,) * 3


def test_one_bit_pictures_are_black_and_white() -> None:
    image = Image.new("1", (9, 9), 0)
    image.paste(1, (3, 3, 9, 9))
    decoded = decode(encode(image, "PNG"))
    assert (decoded.getpixel((0, 0)), decoded.getpixel((5, 5))) == ((0, 0, 0), WHITE)


def palette() -> Image.Image:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([*RED, *GREEN])
    return image


@pytest.mark.parametrize(
    ("image", "options", "expected"),
    [
        (Image.new("RGBA", (4, 4), (0, 0, 0, 0)), {}, WHITE),
        (Image.new("RGBA", (4, 4), (200, 0, 0, 51)), {}, (244, 204, 204)),
        (Image.new("LA", (4, 4), (0, 51)), {}, (204, 204, 204)),
        (palette(), {}, RED),
        (palette(), {"transparency": 0}, WHITE),
        (palette(), {"transparency": b"\x33\xff"}, (255, 204, 204)),
        (Image.new("RGB", (4, 4), (7, 8, 9)), {"transparency": (7, 8, 9)}, WHITE),
        (Image.new("L", (4, 4), 7), {"transparency": 7}, WHITE),
    ],
    ids=["RGBA", "RGBA half", "LA", "P", "P cut out", "P half", "RGB cut out", "L cut out"],
)
def test_transparency_lies_over_white(image: Image.Image, options: Any, expected: Any) -> None:
    assert first_pixel(encode(image, "PNG", **options)) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_gives_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in (RED, GREEN)]
    lossless = {"lossless": True} if kind == "WEBP" else {}
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], **lossless)
    assert first_pixel(data) == RED


T = Image.Transpose
# What a viewer has to do to a stored picture for each orientation: EXIF 2.3, section 4.6.4.
STORED_FROM_UPRIGHT: dict[int, Callable[[Image.Image], Image.Image]] = {
    1: lambda image: image,
    2: lambda image: image.transpose(T.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(T.ROTATE_180),
    4: lambda image: image.transpose(T.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(T.TRANSPOSE),
    6: lambda image: image.transpose(T.ROTATE_90),
    7: lambda image: image.transpose(T.TRANSVERSE),
    8: lambda image: image.transpose(T.ROTATE_270),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", STORED_FROM_UPRIGHT)
def test_a_turned_photo_comes_out_upright(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = STORED_FROM_UPRIGHT[orientation](quarters())
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
    upright = decode(encode(stored, kind, exif=exif, **options.get(kind, {})))
    assert upright.size == (40, 24)
    assert np.abs(np.asarray(upright, float) - np.asarray(quarters())).mean() < 5


@pytest.mark.parametrize(
    "size", [(1600, 1000), (1000, 1600), (4000, 704), (2400, 1800), (450, 448), (300, 500)]
)
@pytest.mark.parametrize("kind", ["JPEG", "MPO"])
def test_a_reduced_scale_jpeg_keeps_its_sides(kind: str, size: tuple[int, int]) -> None:
    decoded = decode(encode(gradient(*size), kind), at_least=224)
    reduction = max(by for by in (1, 2, 4, 8) if min(size) >= by * 224)
    assert decoded.size == (size[0] // reduction, size[1] // reduction)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
def test_other_formats_are_averaged_down_by_a_whole_factor(mode: str) -> None:
    data = encode(gradient(900, 700).convert(mode), "PNG")
    reduced = decode(data, at_least=200)
    assert reduced.size == (300, 234)  # by three; the last row is an average of what is left
    whole = np.asarray(decode(data), dtype=np.float32)[:699].reshape(233, 3, 300, 3, 3)
    np.testing.assert_allclose(np.asarray(reduced)[:233], whole.mean(axis=(1, 3)), atol=1.01)


def test_palettes_and_deep_grey_have_no_averages_and_stay_whole() -> None:
    for mode in ("P", "I;16"):
        image = gradient(900, 900).convert("L").convert(mode)
        assert decode(encode(image, "PNG"), at_least=10).size == (900, 900)


def test_reading_gives_the_bytes_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"bytes")
    assert read_picture(tmp_path / "a.jpg") == b"bytes"


def test_reading_refuses_what_is_not_there_or_too_big(tmp_path: Path) -> None:
    (tmp_path / "big.jpg").write_bytes(bytes(2000))
    with pytest.raises(PictureError, match=r"no file at '.*gone\.jpg'"):
        read_picture(tmp_path / "gone.jpg")
    with pytest.raises(PictureError, match=r"'.*' is not a regular file"):
        read_picture(tmp_path)
    with pytest.raises(PictureTooLargeError, match=r"2,000 bytes, the limit is 1,999"):
        read_picture(tmp_path / "big.jpg", Limits(max_bytes=1999))
    with pytest.raises(PictureError, match="is no path"):
        read_picture(Path("a\0.jpg"))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PictureError, match=r"pipe\.jpg' is not a regular file"):
        read_picture(tmp_path / "pipe.jpg")
    with pytest.raises(PictureError, match="'/dev/zero' is not a regular file"):
        read_picture(Path("/dev/zero"))
