"""What came since a moment: items that are new, gone, and relabelled, however they were written."""

import pytest

from indexer import change_log as module
from indexer.catalog import Catalog
from indexer.change_log import News
from indexer.errors import CatalogError
from tests.indexer.contents import item, put


def told(news: News | None) -> tuple[list[int], list[int]]:
    assert news is not None
    return news.added.tolist(), news.gone.tolist()


def since(catalog: Catalog, before: News) -> News:
    news = catalog.news_since(before.change, before.end)
    assert news is not None
    return news


def test_at_first_everything_is_new(catalog: Catalog) -> None:
    assert told(catalog.news()) == ([], [])
    put(catalog, item("a", 0), item("b", 1))
    news = catalog.news()
    assert told(news) == ([0, 1], [])
    assert news.end == 2
    assert told(since(catalog, news)) == ([], [])


def test_items_added_replaced_and_removed_are_told_once(catalog: Catalog) -> None:
    put(catalog, item("a", 0), item("b", 1), item("c", 2))
    before = catalog.news()
    put(catalog, item("d", 3), item("a", 4, version=2))
    with catalog.transaction():
        catalog.remove(["b", "never there"])
    news = since(catalog, before)
    assert told(news) == ([3, 4], [0, 1])
    assert told(since(catalog, news)) == ([], [])


def test_an_item_that_came_and_went_between_two_looks_is_gone(catalog: Catalog) -> None:
    before = catalog.news()
    put(catalog, item("a", 0))
    with catalog.transaction():
        catalog.remove(["a"])
    news = since(catalog, before)
    assert told(news) == ([], [0])
    assert news.end == 1


def test_relabelled_items_are_told_apart_from_those_gone(catalog: Catalog) -> None:
    put(catalog, item("a", 0), item("b", 1))
    before = catalog.news()
    put(catalog, item("a", 0, metadata={"x": 1}))
    put(catalog, item("b", 1))  # the same once more
    assert told(since(catalog, before)) == ([], [])
    assert catalog.relabelled_since(before.change) == [0]
    assert catalog.last_change() == before.change + 1


def test_who_has_not_looked_for_too_long_reads_everything(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    put(catalog, *(item(f"{n}", n) for n in range(6)))
    before = catalog.news()
    with catalog.transaction():
        catalog.remove([f"{n}" for n in range(3)])
    middle = before.change + 1
    with catalog.transaction():
        catalog.forget_changes()
    assert told(since(catalog, before)) == ([], [0, 1, 2])  # their pools still take room
    for _ in range(2):
        with catalog.transaction():
            catalog.note_emptied(catalog.last_change())
    with catalog.transaction():
        catalog.forget_changes()
    assert catalog.news_since(before.change, before.end) is None
    assert catalog.relabelled_since(before.change) is None
    assert told(catalog.news_since(middle, before.end)) == ([], [1, 2])
    assert told(catalog.news()) == ([3, 4, 5], [])


@pytest.mark.parametrize("slot", [10**6, 2**62, "no number"])
def test_a_slot_that_cannot_be_is_named_rather_than_made_room_for(
    catalog: Catalog, slot: object
) -> None:
    put(catalog, item("a", 0), item("b", 1))
    with catalog.transaction() as db:
        db.execute("UPDATE items SET slot = ? WHERE key = 'a'", (slot,))
    with pytest.raises(CatalogError, match=r"a slot in .* is damaged"):
        catalog.news()
