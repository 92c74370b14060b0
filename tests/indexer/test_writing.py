"""Writing: whole or not at all, as expected or not at all, and what is kept goes with its items."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from indexer.creation import create_index
from indexer.engine import Batch, Original
from indexer.errors import (
    CatalogError,
    ChangedError,
    ColumnTypeError,
    ReadOnlyError,
    UnknownKeyError,
)
from indexer.local import LocalStore
from indexer.records import Item
from service.verify import verify
from tests.fakes import manifest
from tests.indexer.batches import random_batch


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    create_index(tmp_path / "index", manifest())
    store = LocalStore(tmp_path / "index")
    yield store
    store.close()


def sent(store: LocalStore, **pictures: bytes) -> Batch:
    """A batch of pictures that the index is to keep, by key."""
    batch = random_batch(store.manifest, [*pictures])
    embedded = [
        replace(one, digest=sha256(data).hexdigest(), original=Original(data, ".png"))
        for one, data in zip(batch.embedded, pictures.values(), strict=True)
    ]
    return replace(batch, embedded=embedded)


def kept(store: LocalStore) -> set[bytes]:
    return {path.read_bytes() for path in store.folder.glob("media/*/*")}


def one(store: LocalStore, key: str) -> Item:
    found = store.item(key)
    assert found is not None
    return found


def test_originals_are_kept_once_and_go_with_the_last_item_that_has_them(store: LocalStore) -> None:
    store.add(sent(store, a=b"same", b=b"same", c=b"other"))
    assert kept(store) == {b"same", b"other"}
    assert one(store, "a").source == one(store, "b").source
    assert store.remove(["a", "never there"]) == 1
    assert kept(store) == {b"same", b"other"}
    assert store.remove(["b"]) == 1
    assert kept(store) == {b"other"}
    assert list(verify(store.folder, pictures=True)) == []


def test_the_original_of_a_replaced_item_goes_unless_it_is_the_same(store: LocalStore) -> None:
    store.add(sent(store, a=b"one"))
    store.add(sent(store, a=b"two"))
    assert kept(store) == {b"two"}
    store.add(sent(store, a=b"two"))
    assert kept(store) == {b"two"}
    assert one(store, "a").version == 3
    store.add(random_batch(store.manifest, ["a"]))  # by a build, from a folder
    assert kept(store) == set()


def test_a_batch_that_fails_leaves_no_originals_but_those_of_others(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(sent(store, a=b"shared"))

    def fail(*_: object) -> None:
        raise CatalogError("the commit fails")

    with monkeypatch.context() as patch:
        patch.setattr("indexer.catalog.Catalog.put", fail)
        with pytest.raises(CatalogError, match="the commit fails"):
            store.add(sent(store, b=b"new", c=b"shared"))
    assert kept(store) == {b"shared"}
    assert store.count() == 1
    store.add(sent(store, b=b"new"))
    assert one(store, "b").slot == 1
    assert list(verify(store.folder, pictures=True)) == []


def test_nothing_is_written_unless_all_is_as_expected(store: LocalStore) -> None:
    (first,) = store.add(sent(store, a=b"one"), expected={"a": None})
    message = "item 'a' was changed meanwhile"
    with pytest.raises(ChangedError, match=message):
        store.add(sent(store, a=b"two"), expected={"a": None})
    (second,) = store.add(sent(store, a=b"two"), expected={"a": first})
    with pytest.raises(ChangedError, match=message):
        store.relabel({"a": {"x": 1}}, expected={"a": first})
    with pytest.raises(ChangedError, match=message):
        store.remove(["a"], expected={"a": first})
    assert one(store, "a") == second
    assert kept(store) == {b"two"}
    (third,) = store.relabel({"a": {"x": 1}}, expected={"a": second})
    assert store.remove(["a"], expected={"a": third}) == 1


def test_labels_change_for_all_or_none(store: LocalStore) -> None:
    store.add(random_batch(store.manifest, ["a", "b"]))
    with pytest.raises(UnknownKeyError, match="no item has the key 'c'"):
        store.relabel({"a": {"x": 1}, "c": {"x": 1}})
    assert one(store, "a").metadata == {}
    changed = store.relabel({"a": {"x": 1}, "b": {"x": 2}})
    assert [(item.key, item.version, item.metadata) for item in changed] == [
        ("a", 1, {"x": 1}), ("b", 1, {"x": 2})
    ]  # fmt: skip
    assert changed[0] == one(store, "a")


def test_columns_are_recorded_by_the_first_value_and_integers_widen(store: LocalStore) -> None:
    store.declare([{"n": 1, "x": None}, {"t": "a", "yes": True}])
    assert store.columns() == {
        "n": ("integer", False), "t": ("text", False), "yes": ("boolean", False)
    }  # fmt: skip
    store.declare([{"n": 1.5}, {"n": 2}])
    assert store.columns()["n"] == ("number", False)
    for metadata, expected in (
        ({"n": "two"}, "metadata 'n' is 'two': the column's type is number, not text"),
        ({"t": 3}, "metadata 't' is '3': the column's type is text, not integer"),
        ({"yes": 1}, "metadata 'yes' is '1': the column's type is boolean, not integer"),
    ):
        with pytest.raises(ColumnTypeError) as error:
            store.declare([{"fine": 1}, metadata])
        assert str(error.value) == expected
    assert "fine" not in store.columns()


def test_a_store_that_is_read_only_writes_nothing(store: LocalStore) -> None:
    store.add(sent(store, a=b"one"))
    reader = LocalStore(store.folder, read_only=True)
    for write in (
        lambda: reader.add(sent(store, b=b"two")),
        lambda: reader.remove(["a"]),
        lambda: reader.relabel({"a": {"x": 1}}),
        lambda: reader.declare([{"x": 1}]),
        reader.checkpoint,
        reader.rebuild,
        reader.sweep,
    ):
        with pytest.raises(ReadOnlyError, match="is open read-only"):
            write()
    assert (reader.count(), kept(store)) == (1, {b"one"})
    reader.close()
