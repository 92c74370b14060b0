"""Indexes by name: opened at first use, switched by alias, closed once left and free."""

import gc
import shutil
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import service.indexes
from indexer.errors import IndexFolderError
from service.errors import AliasError, NotLoadedError, UnknownAliasError, UnknownIndexError
from service.indexes import Held, Indexes, indexes_of, one_index
from service.listing import list_indexes
from service.opening import Opener
from service.settings import load_settings
from tests.fakes import FakeExtractor, build_fake
from tests.roots import Recorder, make_root, root_indexes

TWO = {"shop_1": 3, "shop_2": 5}


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(service.indexes, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path, **TWO)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def indexes(root: Path, recorder: Recorder) -> Iterator[Indexes]:
    indexes = root_indexes(root, recorder)
    yield indexes
    indexes.close()


def taken(indexes: Indexes, name: str | None) -> Held:
    """Take an index as a request does."""
    held = indexes.take(name)
    if held is None:
        indexes.load(name)
        held = indexes.take(name)
    assert held is not None
    return held


def count(indexes: Indexes, name: str | None) -> int:
    held = taken(indexes, name)
    try:
        return held.opened.store.count()
    finally:
        indexes.give_back(held)


def test_index_is_opened_at_its_first_use_and_then_stays_open(
    indexes: Indexes, recorder: Recorder
) -> None:
    assert recorder.opened == []
    assert [count(indexes, name) for name in ("shop-1", "shop-2", "shop-1")] == [3, 5, 3]
    assert recorder.opened == ["shop-1", "shop-2"]
    assert [*indexes.all_opened()] == ["shop-1", "shop-2"]


def test_unknown_name_names_those_there(indexes: Indexes) -> None:
    indexes.switch("shop", "shop-1")
    with pytest.raises(
        UnknownIndexError, match=r"no index 'none': there are shop-1, shop-2, shop$"
    ):
        indexes.load("none")


@pytest.mark.parametrize("name", ["..", ".", "", "shop-1/", "../root/shop-1", "shop-1/spaces"])
def test_no_name_leads_out_of_the_root(indexes: Indexes, name: str) -> None:
    with pytest.raises(UnknownIndexError):
        indexes.load(name)


def test_index_that_appears_is_found_without_a_restart(
    indexes: Indexes, root: Path, tmp_path: Path
) -> None:
    build_fake(root / "shop-3", tmp_path / "shop-1")
    assert count(indexes, "shop-3") == 3


def test_default_is_the_index_of_that_name(tmp_path: Path) -> None:
    indexes = root_indexes(make_root(tmp_path, default=4, other=3))
    assert count(indexes, None) == 4
    indexes.close()


def test_default_is_the_alias_of_that_name(indexes: Indexes) -> None:
    indexes.switch("default", "shop-2")
    assert count(indexes, None) == 5


def test_without_a_default_the_names_are_given(indexes: Indexes) -> None:
    with pytest.raises(UnknownIndexError, match=r"no default index.*: there are shop-1, shop-2$"):
        indexes.load()


def test_only_index_is_the_default_and_stays_it_when_another_is_built_beside(
    tmp_path: Path,
) -> None:
    root = make_root(tmp_path, shop_1=3)
    indexes = root_indexes(root)
    assert count(indexes, None) == 3
    build_fake(root / "shop-2", tmp_path / "shop-1")
    indexes.look()
    assert indexes.find() == "shop-1"
    indexes.close()


def test_default_of_which_the_folder_is_gone_gives_way_to_the_one_left(
    tmp_path: Path,
) -> None:
    root = make_root(tmp_path, shop_1=3)
    indexes = root_indexes(root)
    assert count(indexes, None) == 3
    (root / "shop-1").rename(root / "shop-2")
    indexes.look()
    assert indexes.find() == "shop-2"
    indexes.close()


def test_switch_is_durable_and_seen_by_another_process(
    indexes: Indexes, root: Path, recorder: Recorder
) -> None:
    other = root_indexes(root)
    indexes.switch("shop", "shop-1")
    other.look()
    assert count(other, "shop") == 3
    indexes.switch("shop", "shop-2")
    other.look()
    assert (count(indexes, "shop"), count(other, "shop")) == (5, 5)
    assert count(root_indexes(root, recorder), "shop") == 5
    indexes.remove("shop")
    other.look()
    with pytest.raises(UnknownIndexError):
        count(other, "shop")
    other.close()


def test_request_under_way_ends_on_the_index_it_began_on(
    indexes: Indexes, recorder: Recorder, clock: Clock
) -> None:
    indexes.switch("shop", "shop-1")
    held = taken(indexes, "shop")
    indexes.switch("shop", "shop-2")
    clock.now = 1000.0
    indexes.look()
    assert recorder.closed == []
    assert held.opened.store.count() == 3
    assert count(indexes, "shop") == 5
    indexes.give_back(held)
    indexes.look()
    assert (recorder.open_now, recorder.closed) == (["shop-2"], ["shop-1"])


def test_index_left_lingers_for_a_minute_and_is_taken_up_again(
    indexes: Indexes, recorder: Recorder, clock: Clock
) -> None:
    indexes.switch("shop", "shop-1")
    indexes.switch("shop", "shop-2")
    clock.now = 59.0
    indexes.look()
    indexes.switch("shop", "shop-1")
    assert recorder.opened == ["shop-1", "shop-2"]
    clock.now = 200.0
    indexes.look()
    assert recorder.open_now == ["shop-1"]


def test_index_that_another_alias_stands_for_stays_open(
    indexes: Indexes, recorder: Recorder, clock: Clock
) -> None:
    indexes.switch("shop", "shop-1")
    indexes.switch("old", "shop-1")
    indexes.switch("shop", "shop-2")
    clock.now = 1000.0
    indexes.look()
    assert recorder.open_now == ["shop-1", "shop-2"]


def test_target_that_cannot_be_opened_leaves_the_alias_where_it_was(
    indexes: Indexes, root: Path
) -> None:
    indexes.switch("shop", "shop-1")
    (root / "shop-2" / "catalog.sqlite").write_bytes(b"no catalog")
    with pytest.raises(AliasError, match=r"'shop' stays as it was: .*shop-2"):
        indexes.switch("shop", "shop-2")
    assert count(indexes, "shop") == 3
    assert count(root_indexes(root), "shop") == 3


def test_reason_says_nothing_of_where_the_root_lies(indexes: Indexes, root: Path) -> None:
    (root / "shop-2" / "catalog.sqlite").write_bytes(b"no catalog")
    with pytest.raises(AliasError) as raised:
        indexes.switch("shop", "shop-2")
    assert str(root) not in str(raised.value)


@pytest.mark.parametrize(
    ("alias", "index", "error", "words"),
    [
        ("shop-1", "shop-2", AliasError, "'shop-1' is the name of an index"),
        ("new", "shop", AliasError, "'shop' is itself an alias: name .* 'shop-2'"),
        ("shop", "none", UnknownIndexError, "no index 'none'"),
        ("a/b", "shop-1", AliasError, "'a/b' cannot be the name of an alias"),
        (".a", "shop-1", AliasError, "'.a' cannot be the name of an alias"),
    ],
)
def test_alias_that_may_not_be_is_refused(
    indexes: Indexes, root: Path, alias: str, index: str, error: type[Exception], words: str
) -> None:
    indexes.switch("shop", "shop-2")
    before = (root / "aliases.json").read_bytes()
    with pytest.raises(error, match=words):
        indexes.switch(alias, index)
    assert (root / "aliases.json").read_bytes() == before


def test_alias_that_is_none_cannot_be_removed(indexes: Indexes) -> None:
    with pytest.raises(UnknownAliasError, match="no alias 'shop': there are none"):
        indexes.remove("shop")


def test_switch_elsewhere_to_what_cannot_be_opened_here_is_tried_again_later(
    indexes: Indexes, root: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    indexes.switch("shop", "shop-1")
    catalog = root / "shop-2" / "catalog.sqlite"
    whole = catalog.read_bytes()
    catalog.write_bytes(b"no catalog")
    (root / "aliases.json").write_text('{"shop": "shop-2"}')
    indexes.look()
    indexes.look()
    assert count(indexes, "shop") == 3
    assert caplog.text.count("alias shop stays with shop-1") == 1
    catalog.write_bytes(whole)
    clock.now = 11.0
    indexes.look()
    assert count(indexes, "shop") == 5


def test_damaged_aliases_are_refused_at_the_start_and_change_nothing_later(
    indexes: Indexes, root: Path
) -> None:
    indexes.switch("shop", "shop-1")
    for text in ("{", "[]", '{"a": 1}', '{"a/b": "shop-1"}'):
        (root / "aliases.json").write_text(text)
        with pytest.raises(IndexFolderError, match=r"aliases\.json"):
            indexes_of(load_settings(root=str(root)))
        with pytest.raises(IndexFolderError, match=r"aliases\.json"):
            indexes.look()
    assert count(indexes, "shop") == 3


def test_index_made_anew_in_its_folder_is_opened_anew(
    indexes: Indexes, root: Path, tmp_path: Path
) -> None:
    assert count(indexes, "shop-1") == 3
    shutil.rmtree(root / "shop-1")
    indexes.look()
    with pytest.raises(UnknownIndexError):
        count(indexes, "shop-1")
    build_fake(root / "shop-1", tmp_path / "shop-2")
    indexes.look()
    assert count(indexes, "shop-1") == 5


def test_each_index_is_closed_once(root: Path, recorder: Recorder, clock: Clock) -> None:
    indexes = root_indexes(root, recorder)
    indexes.switch("shop", "shop-1")
    indexes.switch("shop", "shop-2")
    indexes.close()
    indexes.close()
    assert sorted(recorder.closed) == ["shop-1", "shop-2"]
    assert indexes.take("shop") is None
    with pytest.raises(NotLoadedError, match="stopping"):
        indexes.load("shop")
    assert recorder.open_now == []


def test_index_that_was_being_opened_when_all_closed_is_closed_too(
    root: Path, recorder: Recorder
) -> None:
    def open_while_closing(folder: Path) -> object:
        opened = recorder(folder)
        indexes.close()
        return opened

    indexes = Indexes(root_indexes(root).places, open_while_closing)  # type: ignore[arg-type]
    with pytest.raises(NotLoadedError):
        indexes.load("shop-1")
    assert recorder.closed == ["shop-1"]


def test_list_loads_nothing_and_tells_what_is_there(
    indexes: Indexes, root: Path, recorder: Recorder
) -> None:
    indexes.switch("shop", "shop-2")
    (root / "broken").mkdir()
    (root / "broken" / "manifest.json").write_text('{"schema_version": 99}')
    found = list_indexes(indexes)
    shown = [(one.name, one.open, one.items, one.aliases) for one in found.indexes]
    assert shown == [
        ("broken", False, None, []),
        ("shop-1", False, 3, []),
        ("shop-2", True, 5, ["shop"]),
    ]
    assert (found.aliases, found.default) == ({"shop": "shop-2"}, None)
    assert recorder.opened == ["shop-2"]


def test_opened_index_is_the_default_one_and_has_no_aliases(root: Path, recorder: Recorder) -> None:
    indexes = one_index(recorder(root / "shop-1"))
    indexes.look()
    assert (count(indexes, None), count(indexes, "default")) == (3, 3)
    for change in (lambda: indexes.switch("shop", "default"), lambda: indexes.remove("shop")):
        with pytest.raises(AliasError, match="aliases are for one started with --root"):
            change()
    indexes.close()
    assert recorder.closed == ["shop-1"]


def test_indexes_of_one_recipe_share_a_network_as_long_as_one_is_open(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[int] = []

    def load(*_: object) -> FakeExtractor:
        loaded.append(1)
        return FakeExtractor()

    monkeypatch.setattr(service.opening, "pinned_extractor", load)
    opener = Opener(load_settings())
    first, second = opener(root / "shop-1"), opener(root / "shop-2")
    assert len(loaded) == 1
    first.close()
    second.close()
    del first, second
    gc.collect()  # as is done when an index is closed
    opener(root / "shop-1").close()
    assert len(loaded) == 2


def test_memory_of_an_index_that_is_closed_is_given_back(indexes: Indexes, clock: Clock) -> None:
    indexes.switch("shop", "shop-1")
    held = taken(indexes, "shop")
    searcher, store = weakref.ref(held.opened.searcher), weakref.ref(held.opened.store)
    indexes.give_back(held)
    del held
    indexes.switch("shop", "shop-2")
    clock.now = 61.0
    indexes.look()
    assert (searcher(), store()) == (None, None)
