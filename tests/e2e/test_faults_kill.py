"""A writer killed at any moment loses nothing that it acknowledged and leaves nothing half done."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.faults.checking import survivors
from benchmarks.faults.kill import killed
from benchmarks.faults.mix import Known, held, new_index
from indexer.local import LocalStore
from tests.indexer.batches import random_batch

pytestmark = pytest.mark.e2e

KILLS = 8


def test_writers_killed_one_after_the_other_lose_nothing(tmp_path: Path) -> None:
    *_, figures = killed(new_index(tmp_path / "index"), KILLS, seed=3)
    assert figures.kills == KILLS
    # What this is about did happen: writes were acknowledged, others cut off, generations made.
    assert figures.acknowledged > 20
    assert figures.under_way > 0
    assert figures.generations > 2


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index of three items without originals."""
    folder = new_index(tmp_path / "index")
    store = LocalStore(folder)
    store.add(random_batch(store.manifest, ["a", "b", "c"]))
    store.relabel({key: {"label": 1} for key in "abc"})
    store.close()
    return folder


def held_by(index: Path) -> dict[str, Known]:
    store = LocalStore(index)
    try:
        return held(store)
    finally:
        store.close()


def problems(index: Path, acknowledged: dict[str, Known], *under_way: object) -> list[str]:
    _, found = survivors(index, acknowledged, under_way)  # type: ignore[arg-type]
    # No pictures belong to these items.
    return [one for one in found if "original" not in one and "its picture" not in one]


def test_the_check_finds_what_is_lost_or_there_in_part(index: Path) -> None:
    state = held_by(index)
    assert problems(index, state) == []
    assert problems(index, {**state, "d": state["a"]}) != []
    assert problems(index, {**state, "a": replace(state["a"], label=2)}) != []
    assert problems(index, {key: state[key] for key in "ab"}) != []
    # One write that would have changed two items, and changed one of them.
    half = {"a": replace(state["a"], label=0), "b": replace(state["b"], label=0)}
    assert problems(index, {**state, "a": half["a"]}, {"a": state["a"], "b": half["b"]}) != []
    assert problems(index, {**state, **half}, {key: state[key] for key in "ab"}) == []


def test_the_check_finds_pools_and_originals_that_are_not_as_acknowledged(index: Path) -> None:
    state = held_by(index)
    (index / "media" / "00").mkdir(parents=True)
    (index / "media" / "00" / "stray.png").write_bytes(b"left")
    assert "original stray.png is left over" in survivors(index, state, ())[1]
    pool = index / "pools" / "2-gap.f16"
    data = pool.read_bytes()
    pool.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    assert any("'a' is Known" in one for one in problems(index, state))
