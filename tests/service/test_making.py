"""Empty indexes that a server makes: as asked, once, or not at all with the reason."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import models.loading
import service.building
import service.opening
from indexer.creation import is_index
from indexer.errors import DiskFullError, ReadOnlyError
from indexer.manifest import Manifest
from indexer.manifest_file import read_manifest
from models.errors import UnknownNameError, WeightsError
from models.loading import Loaded
from service.building import plan_index
from service.errors import IndexConflictError, NewIndexError
from service.indexes import Indexes, indexes_of
from service.making import Maker
from service.new_index import NewIndex
from service.settings import Settings, load_settings
from tests.fakes import FAKE, RECIPE, FakeExtractor
from tests.roots import Recorder, make_root, plan_fake, root_indexes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root" / "new"


def make(folder: Path, settings: Settings | None = None, **wanted: Any) -> bool:
    return Maker(settings or load_settings(), plan_fake)(folder, NewIndex(**wanted)).new


def test_index_is_as_asked_and_as_the_settings_say_where_nothing_is_asked(folder: Path) -> None:
    settings = load_settings(preset="paper", metric="l2", blocks="1-3")
    assert make(folder, settings, metric="cosine", index_type="SQ8")
    made = read_manifest(folder)
    assert (made.preset, made.blocks, made.index_type) == ("paper", (1, 2, 3), "SQ8")
    assert {space.metric for space in made.spaces.values()} == {"cosine"}


def test_index_that_is_there_is_left_as_it_is(folder: Path) -> None:
    assert make(folder, blocks="1,2")
    before = (folder / "manifest.json").read_bytes()
    assert not make(folder)
    assert not make(folder, blocks="1-2", metric="cosine", backbone="auto")
    assert not make(folder, load_settings(weights="others.pth"))
    with pytest.raises(IndexConflictError) as raised:
        make(folder, blocks="1-4")
    said = "index 'new' was made with blocks '1,2', not '1,2,3,4'"
    assert str(raised.value).startswith(said)
    assert (folder / "manifest.json").read_bytes() == before


def test_server_in_int8_makes_none_and_says_who_does(folder: Path) -> None:
    settings = load_settings(precision="int8")
    maker = Maker(settings, lambda asked: plan_index(asked, print))
    with pytest.raises(IndexConflictError, match="`hueweave build --precision int8` makes an"):
        maker(folder, NewIndex())
    assert not folder.exists()


def test_folder_with_something_else_in_it_is_taken(folder: Path) -> None:
    folder.mkdir()
    (folder / "letter.txt").touch()
    with pytest.raises(IndexConflictError, match=r"^'new' is not an index and not empty"):
        make(folder)
    folder.with_name("link").symlink_to("nowhere")
    with pytest.raises(IndexConflictError, match=r"^'link' is no folder"):
        make(folder.with_name("link"))
    folder.with_name("file").touch()
    with pytest.raises(IndexConflictError, match=r"^'file' is a file"):
        make(folder.with_name("file"))


def test_read_only_server_makes_none(folder: Path) -> None:
    with pytest.raises(ReadOnlyError):
        make(folder, load_settings(read_only=True))
    assert not folder.exists()


@pytest.mark.parametrize(
    ("call", "number", "error"),
    [
        ("mkdir", errno.ENOSPC, DiskFullError),
        ("mkdir", errno.EROFS, ReadOnlyError),
        ("fsync", errno.ENOSPC, DiskFullError),
    ],
)
def test_what_the_disk_refuses_is_told_and_goes_when_the_disk_lets_it(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
    error: type[Exception],
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, refuse)
        with pytest.raises(error):
            make(folder)
    assert not is_index(folder)
    assert make(folder)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"blocks": "9"}, NewIndexError, "setting 'blocks' has value '9'"),
        ({"index_type": "Nope"}, NewIndexError, "index type 'Nope' does not fit"),
        ({"preset": "best"}, UnknownNameError, "unknown preset 'best'"),
        ({"weights": "{there}/no.pth"}, IndexConflictError, "no file at 'no.pth'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    error: type[Exception],
    words: str,
) -> None:
    def load(backbone: str, weights: str | None, *_: object) -> Loaded:
        if weights:
            raise WeightsError(f"no file at {weights!r}")
        extractor: Any = FakeExtractor()
        return Loaded(RECIPE, extractor)

    monkeypatch.setattr(models.loading, "load_new", load)
    monkeypatch.setattr(service.building, "get_backbone", lambda name: FAKE)
    given = {name: value.format(there=tmp_path) for name, value in settings.items()}
    indexes = indexes_of(load_settings(root=str(folder.parent), **given))
    with pytest.raises(error, match=words):
        indexes.make("new", NewIndex())
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("shop", IndexConflictError, "'shop' is an alias of 'shop-1'"),
        ("aliases.json", NewIndexError, "is where aliases are kept"),
        ("Aliases.JSON", NewIndexError, "is where aliases are kept"),
        ("../new", NewIndexError, "'../new' cannot be the name of an index: a name has"),
        ("..", NewIndexError, "cannot be the name"),
        ("", NewIndexError, "cannot be the name"),
    ],
)
def test_name_that_cannot_be_is_refused(
    tmp_path: Path, name: str, error: type[Exception], words: str
) -> None:
    indexes = root_indexes(make_root(tmp_path, shop_1=1))
    indexes.switch("shop", "shop-1")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error, match=words):
        indexes.make(name, NewIndex())
    assert sorted(tmp_path.rglob("*")) == before
    indexes.close()


def test_new_index_is_open_and_so_is_one_in_place_of_another_that_was_deleted(
    tmp_path: Path,
) -> None:
    recorder = Recorder()
    indexes = root_indexes(make_root(tmp_path, shop_1=3), recorder)
    assert indexes.make("shop-2", NewIndex()).new
    assert recorder.open_now == ["shop-2"]
    indexes.load("shop-1")
    shutil.rmtree(tmp_path / "root" / "shop-1")
    assert indexes.make("shop-1", NewIndex()).new
    assert indexes.all_opened()["shop-1"].store.count() == 0
    indexes.close()


def test_network_is_loaded_once_for_all_indexes_of_one_recipe(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[list[Loaded]] = []

    def load(*arguments: Any) -> Loaded:
        loads.append(known := list(arguments[-1]))
        extractor: Any = FakeExtractor()
        return known[0] if known else Loaded(RECIPE, extractor)

    def refuse(manifest: Manifest, *_: object) -> None:
        raise AssertionError(f"loaded again for {manifest.recipe.backbone}")

    monkeypatch.setattr(models.loading, "load_new", load)
    monkeypatch.setattr(service.building, "get_backbone", lambda name: FAKE)
    monkeypatch.setattr(service.opening, "pinned_extractor", refuse)
    indexes: Indexes = indexes_of(load_settings(root=str(folder.parent)))
    for name in ("one", "two"):
        assert indexes.make(name, NewIndex(backbone="resnet18")).new
    first, second = (held.searcher.extractor for held in indexes.all_opened().values())
    assert first is second
    assert [len(known) for known in loads] == [0, 1]
    assert loads[1][0].recipe == RECIPE
    indexes.close()
