"""A generation is made while others read and write, and has everything once it is there."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from indexer import generations, local
from indexer.creation import create_index
from indexer.local import LocalStore
from indexer.manifest import Manifest
from tests.fakes import manifest
from tests.indexer.batches import random_batch
from tests.indexer.contents import found

WAIT_S = 30.0


class Barrier:
    """Holds the making of a generation until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go = Event(), Event()
        make = local.next_generation

        def held(*given: object, **options: object) -> Manifest:
            self.begun.set()
            assert self.go.wait(WAIT_S)
            return make(*given, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(local, "next_generation", held)

    def during(self, make: Callable[[], object], act: Callable[[], None]) -> None:
        """Let ``make`` make a generation in another thread, and act while it is under way."""
        failed: list[BaseException] = []

        def run() -> None:
            try:
                make()
            except BaseException as error:
                failed.append(error)
                raise

        thread = Thread(target=run)
        thread.start()
        try:
            assert self.begun.wait(WAIT_S)
            act()
        finally:
            self.go.set()
            thread.join()
        assert not failed


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStore]:
    """An index of ten items that nine more make a generation worth."""
    for module in (generations, local):
        monkeypatch.setattr(module, "ENOUGH", 9)
    create_index(tmp_path / "index", manifest())
    store = LocalStore(tmp_path / "index")
    store.add(random_batch(store.manifest, [f"old/{n}" for n in range(10)]))
    store.view()
    store.checkpoint()
    yield store
    store.close()


def test_items_come_and_go_and_are_found_while_a_checkpoint_is_under_way(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(random_batch(store.manifest, [f"new/{n}" for n in range(9)], seed=6))

    def act() -> None:
        (late,) = store.add(random_batch(store.manifest, ["late"], seed=7))
        assert late.slot in found(store.view())
        store.remove(["old/3", "new/0"])
        assert found(store.view()) == expected
        assert store.manifest.generation is not None
        assert store.manifest.generation.number == 1

    expected = [slot for slot in range(20) if slot not in (3, 10)]
    Barrier(monkeypatch).during(store.maintain, act)
    assert store.manifest.generation is not None
    assert store.manifest.generation.number == 2
    for attribute in ("color", "texture"):
        assert found(store.view(), attribute) == expected
    other = LocalStore(store.folder)
    assert found(other.view()) == expected
    other.close()


def test_the_same_goes_for_a_compaction(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.remove([f"old/{n}" for n in range(5)])

    def act() -> None:
        store.add(random_batch(store.manifest, ["late"], seed=7))
        assert found(store.view()) == [5, 6, 7, 8, 9, 10]

    Barrier(monkeypatch).during(store.maintain, act)
    generation = store.manifest.generation
    assert generation is not None
    assert (generation.number, generation.vectors) == (2, 5)
    assert found(store.view()) == [5, 6, 7, 8, 9, 10]


def test_an_item_replaced_meanwhile_is_found_as_it_is_now(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act() -> None:
        (again,) = store.add(random_batch(store.manifest, ["old/1"], seed=8))
        assert (again.version, again.slot) == (2, 10)

    Barrier(monkeypatch).during(store.rebuild, act)
    assert found(store.view()) == [0, *range(2, 11)]
