"""A clock that moves back: it only dates items; what is newest is known by other means."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indexer import following, writing
from indexer.local import LocalStore
from service.verify import verify
from tests.indexer.batches import random_batch
from tests.indexer.contents import found

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Clock(datetime):
    """The wall clock as a test sets it."""

    at = NOW

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return cls.at


@pytest.fixture
def store(fake_index: Path, monkeypatch: pytest.MonkeyPatch) -> LocalStore:
    monkeypatch.setattr(writing, "datetime", Clock)
    monkeypatch.setattr(Clock, "at", NOW)
    monkeypatch.setattr(following, "_FRESH_S", 0.0)
    store = LocalStore(fake_index)
    store.view()
    return store


def add(store: LocalStore, key: str) -> int:
    (item,) = store.add(random_batch(store.manifest, [key], seed=len(key)))
    assert item.added == Clock.at.isoformat(timespec="milliseconds")
    return item.slot


def test_items_written_before_themselves_are_found_and_come_in_their_order(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = LocalStore(store.folder)
    assert len(found(reader.view())) == 20
    first = add(store, "first")
    monkeypatch.setattr(Clock, "at", NOW - timedelta(days=3))
    second = add(store, "second")
    assert (first, second) == (20, 21)
    for one in (store, reader):
        assert found(one.view()) == [*range(22)]
    store.remove(["first"])
    assert found(reader.view()) == [n for n in range(22) if n != first]
    store.checkpoint()
    assert found(reader.view()) == [n for n in range(22) if n != first]
    reader.close()
    store.close()


def test_an_item_replaced_before_it_was_added_counts_its_version(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, "one")
    monkeypatch.setattr(Clock, "at", NOW - timedelta(days=3))
    add(store, "one")
    item = store.item("one")
    assert item is not None
    assert (item.version, item.slot) == (2, 21)
    assert item.added.startswith("2026-04-28")
    assert all("is gone" in line for line in verify(store.folder))
    store.close()


def test_freshness_of_views_does_not_hang_on_the_wall_clock() -> None:
    # Which moves; the other one never goes back.
    assert not hasattr(following, "datetime")
    assert "time.time(" not in Path(following.__file__).read_text(encoding="utf-8")
