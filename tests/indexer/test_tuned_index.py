"""An index whose segments chose what they are made of: its generations, damage, copies, filters."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.spectrum import POOL, make_index, make_item, vectors
from indexer import planning, segment_making
from indexer.backup import back_up
from indexer.local import LocalStore, open_for_writing
from indexer.local_view import LocalView
from indexer.manifest_file import read_manifest
from indexer.spaces import block_space_name
from models.extraction import Vectors
from service.verify import verify

ITEMS, WIDTH = 3000, 32
SPACE = block_space_name(1)


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a thousand be many."""
    monkeypatch.setattr(planning, "FEWEST", 500)
    monkeypatch.setattr(planning, "FEWEST_NUMBERS", 1000)
    monkeypatch.setattr(segment_making, "_HELD_OUT", 100)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    make_index(tmp_path / "index", ITEMS, WIDTH, "auto", "small", 0.95)
    return tmp_path / "index"


QUERIES = np.concatenate([*vectors(50, WIDTH, 2, 60)])


def answers(view: LocalView) -> list[tuple[list[int], Vectors]]:
    space = view.manifest.space_of_attribute("color")
    found = view.search(space, QUERIES, 10)
    return [(one.slots.tolist(), one.similarities) for one in found]


def asked(folder: Path, *, read_only: bool = False) -> list[list[int]]:
    store = LocalStore(folder, read_only=read_only)
    found = [slots for slots, _ in answers(store.view())]
    store.close()
    return found


def halves_of(folder: Path) -> list[Path]:
    generation = read_manifest(folder).generation
    assert generation is not None
    files = [file for some in generation.segments.values() for file in some]
    return [folder / file.halves.path for file in files if file.halves]


def test_the_manifest_says_how_each_segment_is_searched(index: Path) -> None:
    generation = read_manifest(index).generation
    assert generation is not None
    (file,) = generation.segments[SPACE]
    assert file.tuning is not None
    assert "IVF" in file.tuning.index_type
    assert file.tuning.recall >= 0.95
    assert len(halves_of(index)) == 1


@pytest.mark.parametrize("spoil", ["flip", "cut", "lose"])
def test_halves_that_are_damaged_are_named_and_made_again(index: Path, spoil: str) -> None:
    before = asked(index)
    (path,) = halves_of(index)
    data = bytearray(path.read_bytes())
    data[1000] ^= 0x55
    if spoil == "lose":
        path.unlink()
    else:
        path.write_bytes(bytes(data) if spoil == "flip" else bytes(data[:-64]))
    assert any(path.name in problem for problem in verify(index))
    assert asked(index, read_only=True) == before
    assert asked(index) == before
    assert [one for one in verify(index, sources=False) if "spaces" in one] == []


def test_a_backup_holds_the_halves(index: Path, tmp_path: Path) -> None:
    store = LocalStore(index)
    back_up(store, tmp_path / "copy")
    store.close()
    assert [path.name for path in halves_of(tmp_path / "copy")] == ["vectors-0.f16"]
    assert asked(tmp_path / "copy", read_only=True) == asked(index)


def add(folder: Path, count: int) -> None:
    """Add items newer than all segments."""
    with open_for_writing(folder) as store:
        at = store.catalog.live_slots()[-1] + 1
        store.shop.pools.write(at, {POOL: np.concatenate([*vectors(count, WIDTH, 4, 60)])})
        with store.catalog.transaction():
            store.catalog.put([make_item(slot) for slot in range(at, at + count)])
        store.checkpoint()


def test_a_generation_links_tuned_segments_and_adds_one(index: Path) -> None:
    before = halves_of(index)[0].read_bytes()
    add(index, 300)
    generation = read_manifest(index).generation
    assert generation is not None
    first, second = generation.segments[SPACE]
    assert first.tuning is not None
    assert second.tuning is not None
    assert (first.tuning.effort > 0, second.tuning.index_type) == (True, "Flat")
    assert [path.read_bytes() for path in halves_of(index)] == [before]
    store = LocalStore(index)
    view = store.view()
    assert recall(view) >= 0.93
    assert any(slot >= ITEMS for slots, _ in answers(view) for slot in slots)
    store.close()


def test_what_has_grown_by_more_than_a_fifth_is_tuned_anew(index: Path) -> None:
    add(index, 1000)
    generation = read_manifest(index).generation
    assert generation is not None
    (one,) = generation.segments[SPACE]
    assert one.tuning is not None
    assert one.tuning.recall >= 0.95
    store = LocalStore(index)
    assert store.view().count == ITEMS + 1000
    assert recall(store.view()) >= 0.93
    store.close()


@pytest.mark.parametrize("part", [0.5, 0.1])
def test_a_filter_keeps_the_recall(
    index: Path, part: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.local_view.SCANNED", 10)
    store = LocalStore(index)
    whole = store.view()
    mask = np.random.default_rng(7).random(whole.end) < part
    view = replace(whole, selected=mask & whole.mask)
    assert recall(view) >= 0.93
    assert not view.search(view.manifest.space_of_attribute("color"), QUERIES, 10)[0].exact
    store.close()


def recall(view: LocalView) -> float:
    space = view.manifest.space_of_attribute("color")
    slots = view.slots
    values = QUERIES @ view.vectors(space, slots).T
    truth = slots[np.argsort(-values, axis=1)[:, :10]]
    pairs = zip(truth, answers(view), strict=True)
    return float(np.mean([len(np.intersect1d(a, found)) / 10 for a, (found, _) in pairs]))
