"""What a file is called after, by the format of its bytes."""

import pytest

from models.errors import PictureError
from models.heic import HEIC_AVAILABLE
from models.images import FORMATS, MEDIA_TYPES, ending_of
from tests.pictures import picture

ENDINGS = {
    **{"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif"},
    **{"AVIF": ".avif", "TIFF": ".tif", "BMP": ".bmp"},
    **({"HEIF": ".heic"} if HEIC_AVAILABLE else {}),
}


@pytest.mark.parametrize("kind", ENDINGS)
def test_every_format_has_an_ending_of_which_the_media_type_is_known(kind: str) -> None:
    assert ending_of(picture(1, kind)) == ENDINGS[kind]
    assert ENDINGS[kind] in MEDIA_TYPES
    assert set(FORMATS) <= set(ENDINGS)


@pytest.mark.parametrize("data", [b"", b"no picture", picture(1)[:10]])
def test_what_is_no_picture_has_no_ending(data: bytes) -> None:
    with pytest.raises(PictureError):
        ending_of(data)
