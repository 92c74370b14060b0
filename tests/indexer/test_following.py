"""How a view is kept: generations that come beside it, damage in what is newest, its age."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread, current_thread
from types import SimpleNamespace

import numpy as np
import pytest

from indexer import following
from indexer.loading import Derived, Loader
from indexer.local import LocalStore, open_for_writing
from indexer.pools import PoolStore
from indexer.workshop import Workshop
from tests.indexer.batches import random_batch
from tests.indexer.contents import found


class Gate:
    """Holds what a loader loaded until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened, self.loaded = Event(), Event()
        load = Loader.load

        def held(loader: Loader) -> Derived:
            derived = load(loader)
            if current_thread().name == "load":
                self.loaded.set()
                assert self.opened.wait(30)
            return derived

        monkeypatch.setattr(Loader, "load", held)


@pytest.fixture
def gate(reader: LocalStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A gate before generations that ``reader`` loads beside its searches, as it does all."""
    monkeypatch.setattr(following, "_LARGE", 0)
    gate = Gate(monkeypatch)
    yield gate
    gate.opened.set()


def make_generation(index: Path, key: str) -> None:
    with open_for_writing(index) as writer:
        writer.add(random_batch(writer.manifest, [key]))
        writer.rebuild()


def number(store: LocalStore) -> int:
    generation = store.view(newest=True).manifest.generation
    assert generation is not None
    return generation.number


def test_a_generation_that_arrives_while_a_view_is_made_is_in_the_next(
    reader: LocalStore, fake_index: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generation(fake_index, "a")
    assert number(reader) == 1
    assert gate.loaded.wait(30)
    loading = reader._follower._under_way
    assert loading is not None
    make = Workshop.vectors

    def arrives(*given: object) -> object:
        gate.opened.set()
        loading.join(0.1)  # it may end now or not
        return make(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Workshop, "vectors", arrives)
        with closing(LocalStore(fake_index)) as writer:
            writer.add(random_batch(writer.manifest, ["b"]))
        view = reader.view(newest=True)
    assert found(view) == [*range(22)]
    loading.join()
    assert number(reader) == 2
    assert found(reader.view()) == [*range(22)]


def test_of_generations_that_come_while_one_is_loaded_the_last_is_taken(
    reader: LocalStore, fake_index: Path, gate: Gate
) -> None:
    make_generation(fake_index, "a")
    assert number(reader) == 1
    assert gate.loaded.wait(30)
    make_generation(fake_index, "b")
    assert number(reader) == 1
    gate.opened.set()
    reader._follower.close()  # waits for it
    assert number(reader) == 3


def test_a_generation_that_is_loaded_too_late_takes_no_newer_ones_place(
    reader: LocalStore, fake_index: Path, gate: Gate
) -> None:
    make_generation(fake_index, "a")
    assert number(reader) == 1
    assert gate.loaded.wait(30)
    reader.rebuild()
    assert number(reader) == 3
    gate.opened.set()
    reader._follower.close()
    assert number(reader) == 3


def damage(store: LocalStore, slot: int, value: float) -> None:
    pools = store._pools
    assert isinstance(pools, PoolStore)
    rows = pools.read(np.array([slot]), list(pools.files))
    pools.write(slot, {name: np.full_like(row, value) for name, row in rows.items()})


@pytest.mark.parametrize("built", [True, False], ids=["newer than a generation", "provisional"])
def test_newer_items_whose_pools_are_damaged_are_not_found_and_spoil_nothing(
    fake_index: Path, built: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with open_for_writing(fake_index) as writer:
        if not built:
            writer.remove([item.key for item in writer.items()])
        slots = [one.slot for one in writer.add(random_batch(writer.manifest, ["a", "b", "c"]))]
        damage(writer, slots[1], 7)
    with closing(LocalStore(fake_index)) as store:
        view = store.view()
        assert slots[1] not in view.slots
        assert {slots[0], slots[2]} <= set(view.slots.tolist())
        assert "the pools of 1 items are damaged" in caplog.text
        store.add(random_batch(store.manifest, ["b"]))
        assert store.view().count == view.count + 1


def test_nobody_is_shown_what_was_news_a_second_ago_while_another_looks_for_it(
    reader: LocalStore, fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(following, "time", SimpleNamespace(monotonic=lambda: now[0]))
    follower = reader._follower
    reader.view(newest=True)
    with closing(LocalStore(fake_index)) as writer:
        writer.add(random_batch(writer.manifest, ["a"]))
    now[0] += 1.1
    look, looking, go_on = follower._look, Event(), Event()

    def slow() -> tuple[int, int, int]:
        looking.set()
        assert go_on.wait(30)
        return look()

    monkeypatch.setattr(follower, "_look", slow)
    counts: list[int] = []
    threads = [Thread(target=lambda: counts.append(reader.view().count)) for _ in range(2)]
    threads[0].start()
    assert looking.wait(30)
    threads[1].start()
    threads[1].join(0.2)  # were it not to wait, it would have ended
    assert counts == []
    go_on.set()
    for thread in threads:
        thread.join()
    assert counts == [21, 21]
