"""Which folders are indexes, and what settings may name."""

import logging
from pathlib import Path

import pytest

from indexer.errors import IndexFolderError, SchemaError
from service.errors import SettingsError, UnknownIndexError
from service.places import RootPlace, SinglePlace, places_of
from service.settings import load_settings
from tests.roots import make_root


def test_folders_that_are_no_indexes_or_have_other_names_are_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = make_root(tmp_path, a=3)
    (root / "notes.txt").write_text("x")
    (root / "empty").mkdir()
    for name in ("with space", ".hidden", "ü", "x" * 101):
        (root / "a").rename(root / name)
        (root / "a").symlink_to(root / name)
        place = RootPlace(root)
        with caplog.at_level(logging.WARNING):
            assert (place.names(), place.names()) == (["a"], ["a"])
        assert caplog.text.count(f"{name!r} is passed over: a name has up to 100 letters") == 1
        with pytest.raises(UnknownIndexError):
            place.folder(name)
        (root / "a").unlink()
        (root / name).rename(root / "a")


def test_index_and_root_together_are_an_error_that_says_which_to_leave_out() -> None:
    with pytest.raises(SettingsError, match="leave out root for the one index, or index for all"):
        places_of(load_settings(index="i", root="r"))


def test_neither_is_an_error_that_names_both() -> None:
    with pytest.raises(SettingsError, match=r"--index DIR or HUEWEAVE_INDEX, or .* --root DIR"):
        places_of(load_settings())


@pytest.mark.parametrize("name", ["none", "file"])
def test_root_that_is_no_folder_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingsError, match=f"root '.*{name}' is no folder"):
        places_of(load_settings(root=str(tmp_path / name)))


def test_root_that_is_itself_an_index_is_an_error(fake_index: Path) -> None:
    with pytest.raises(SettingsError, match="is itself an index: serve it with --index"):
        places_of(load_settings(root=str(fake_index)))


def test_index_is_looked_at_before_anything_is_loaded(fake_index: Path, tmp_path: Path) -> None:
    assert isinstance(places_of(load_settings(index=str(fake_index))), SinglePlace)
    with pytest.raises(IndexFolderError, match="no index at"):
        places_of(load_settings(index=str(tmp_path / "none")))
    (fake_index / "manifest.json").write_text('{"schema_version": 99}')
    with pytest.raises(SchemaError, match="schema version 99"):
        places_of(load_settings(index=str(fake_index)))


def test_empty_root_has_no_indexes(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    place = places_of(load_settings(root=str(tmp_path / "root")))
    with pytest.raises(UnknownIndexError, match="no index 'a': there are none"):
        place.folder("a")
