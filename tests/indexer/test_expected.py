"""Writes that are made only if items are what the writer takes them to be."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.errors import ChangedError
from indexer.local import LocalStore
from indexer.records import Item
from indexer.writing import Expected
from tests.indexer.batches import random_batch

Write = Callable[[LocalStore, Expected], object]
WRITES: dict[str, Write] = {
    "add": lambda store, expected: store.add(
        random_batch(store.manifest, ["001.png", "new"]), expected
    ),
    "relabel": lambda store, expected: store.relabel({"001.png": {"n": 1}}, expected),
    "remove": lambda store, expected: store.remove(["001.png"], expected),
}


@pytest.fixture
def store(fake_index: Path) -> Iterator[LocalStore]:
    with closing(LocalStore(fake_index)) as store:
        yield store


@pytest.fixture
def item(store: LocalStore) -> Item:
    found = store.item("001.png")
    assert found is not None
    return found


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_nothing_is_written_unless_all_is_as_expected(
    store: LocalStore, item: Item, write: Write
) -> None:
    wrong: list[Expected] = [
        {"001.png": None},
        {"001.png": replace(item, version=2)},
        {"001.png": replace(item, metadata={"n": 2})},
        {"001.png": item, "nope": item},
        {"001.png": item, "002.png": None},
    ]
    before = list(store.items())
    for expected in wrong:
        with pytest.raises(ChangedError, match="was changed meanwhile"):
            write(store, expected)
    assert list(store.items()) == before
    write(store, {"001.png": item, "nope": None})
    assert store.item("001.png") != item


def test_writes_return_the_items_as_they_are(store: LocalStore) -> None:
    added = store.add(random_batch(store.manifest, ["001.png", "new"]))
    assert added == [store.item("001.png"), store.item("new")]
    assert [one.version for one in added] == [2, 1]
    (changed,) = store.relabel({"new": {"n": 1}})
    assert changed == store.item("new")
    assert changed.metadata == {"n": 1}
