"""Pictures of a report: made once, small, and none for what is gone."""

import base64
import io
from contextlib import closing
from pathlib import Path

from PIL import Image

from indexer.local import LocalStore
from models.images import Limits
from service.evaluation.gallery import Gallery


def test_picture_is_made_once_and_can_be_read(fake_index: Path) -> None:
    with closing(LocalStore(fake_index)) as store:
        gallery = Gallery(store, Limits())
        first, second, *_ = store.items()
        found = gallery.of(first)
        assert found is not None
        assert gallery.of(first) is found
        other = gallery.of(second)
        assert other is not None
        assert other.name != found.name
        assert gallery.pictures == [found, other]
    kind, _, coded = found.data.partition(",")
    assert kind == "data:image/webp;base64"
    image = Image.open(io.BytesIO(base64.b64decode(coded)))
    assert image.size == (found.width, found.height)


def test_picture_that_is_gone_is_none(fake_index: Path) -> None:
    with closing(LocalStore(fake_index)) as store:
        item = next(iter(store.items()))
        store.locate(item).unlink()
        gallery = Gallery(store, Limits())
        assert gallery.of(item) is None
        assert gallery.pictures == []
