"""Originals kept by the index: by the SHA-256 of their bytes, inside of it, removed with care."""

from hashlib import sha256
from pathlib import Path

import pytest

from indexer.engine import Original
from indexer.errors import IndexFolderError
from indexer.media import Media, is_media, media_source

DATA = b"a picture"
DIGEST = sha256(DATA).hexdigest()
ORIGINAL = Original(DATA, ".jpg")
SOURCE = f"media/{DIGEST[:2]}/{DIGEST}.jpg"


@pytest.fixture
def media(tmp_path: Path) -> Media:
    return Media(tmp_path)


def test_an_original_lies_under_its_digest(media: Media, tmp_path: Path) -> None:
    media.put(DIGEST, ORIGINAL)
    assert media_source(DIGEST, ORIGINAL) == SOURCE
    assert media.locate(SOURCE) == tmp_path / SOURCE
    assert (tmp_path / SOURCE).read_bytes() == DATA
    assert [path.name for path in (tmp_path / SOURCE).parent.iterdir()] == [f"{DIGEST}.jpg"]


def test_one_that_is_there_is_written_again_only_if_it_is_damaged(
    media: Media, tmp_path: Path
) -> None:
    media.put(DIGEST, ORIGINAL)
    inode = (tmp_path / SOURCE).stat().st_ino
    media.put(DIGEST, ORIGINAL)
    assert (tmp_path / SOURCE).stat().st_ino == inode
    (tmp_path / SOURCE).write_bytes(b"damaged")
    media.put(DIGEST, ORIGINAL)
    assert (tmp_path / SOURCE).read_bytes() == DATA


def test_names_are_synced_from_the_index_down(
    media: Media, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("indexer.media.sync_folder", synced.append)
    monkeypatch.setattr("indexer.files.sync_folder", synced.append)
    folder = tmp_path / "media" / DIGEST[:2]
    media.put(DIGEST, ORIGINAL)
    assert synced == [tmp_path, tmp_path / "media", folder]
    # One that is there may have been left by a process that was killed before it synced its name.
    media.put(DIGEST, ORIGINAL)
    assert synced[3:] == [folder]
    Media(tmp_path).put(DIGEST, ORIGINAL)
    assert synced[4:] == [tmp_path, tmp_path / "media", folder]
    media.remove(SOURCE)
    assert synced[7:] == [folder]


def test_removing_what_is_not_there_is_no_error(media: Media, tmp_path: Path) -> None:
    media.remove(SOURCE)
    media.put(DIGEST, ORIGINAL)
    media.remove(SOURCE)
    media.remove(SOURCE)
    assert not (tmp_path / SOURCE).exists()


def test_what_no_item_needs_is_an_orphan(media: Media, tmp_path: Path) -> None:
    assert [*media.orphans(lambda source: False)] == []  # there is no folder yet
    media.put(DIGEST, ORIGINAL)
    other = sha256(b"other").hexdigest()
    media.put(other, Original(b"other", ".png"))
    cut_short = tmp_path / "media" / DIGEST[:2] / f".{DIGEST}.jpg.partial"
    cut_short.write_bytes(b"a pic")
    stray = cut_short.relative_to(tmp_path).as_posix()
    assert set(media.orphans(lambda source: source == SOURCE)) == {
        stray, f"media/{other[:2]}/{other}.png"
    }  # fmt: skip


def test_a_source_is_absolute_or_inside_of_the_media(media: Media, tmp_path: Path) -> None:
    assert media.locate("/pictures/a.jpg") == Path("/pictures/a.jpg")
    assert is_media(SOURCE)
    for source in ("catalog.sqlite", "media/../catalog.sqlite", "media/aa/../../../x", "", "media"):
        with pytest.raises(IndexFolderError, match=r"is damaged: it lies outside of media/"):
            media.locate(source)
