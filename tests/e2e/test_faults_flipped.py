"""A byte that flips on the disk is named, and healed where something else knows better."""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.faults.flips import KINDS, everything, flip, flips, named, outcome
from benchmarks.faults.mix import Lane, Notes, new_index
from indexer.local import LocalStore, open_for_writing
from indexer.local_engine import LocalEngine
from models.images import Limits
from service.repair import repair
from tests.fakes import SMALL, FakeExtractor

pytestmark = pytest.mark.e2e

FLIPS = 12
# Bytes nobody reads: rows of items that are gone, free pages.
OUTCOMES = {
    "segment": {"named and healed"},
    "sample": {"named and healed"},
    "pools": {"named", "harmless"},
    "manifest": {"named and healed", "harmless"},
    "catalog": {"named", "harmless"},
    "original": {"named"},
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of some items, others being gone, with originals and a generation."""
    folder = tmp_path_factory.mktemp("flipped")
    index = new_index(folder / "index")
    with closing(LocalStore(index)) as store:
        lane = Lane(store, Notes(folder / "notes"), 0, seed=2)
        for _ in range(40):
            lane.step()
        store.rebuild()
        assert store.count() > 10
    return index


@pytest.fixture(scope="module")
def whole(index: Path) -> dict[str, object]:
    """All that it holds and answers."""
    return everything(index)


@pytest.fixture
def flipped(index: Path) -> Iterator[Path]:
    """The same index, its files as they were again afterwards."""
    files = {path: path.read_bytes() for path in index.rglob("*") if path.is_file()}
    yield index
    for path in [path for path in index.rglob("*") if path.is_file() and path not in files]:
        path.unlink()
    for path, data in files.items():
        path.write_bytes(data)


@pytest.mark.parametrize("at", range(FLIPS))
@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_byte_is_named_or_read_by_nobody(
    flipped: Path, whole: dict[str, object], kind: str, at: int
) -> None:
    *_, (path, position, mask) = flips(flipped, kind, at + 1, seed=0)
    flip(path, position, mask)
    assert outcome(flipped, whole) in OUTCOMES[kind]


def test_a_flipped_byte_is_named_by_file_and_key(flipped: Path) -> None:
    with closing(LocalStore(flipped)) as store:
        item = next(store.items())
        stride = next(iter(store.pool_files.values())).stride
    for path, position, words in (
        (next(flipped.glob(KINDS["segment"])), 200, "segment-0.faiss' is damaged: its SHA-256"),
        (next(flipped.glob(KINDS["sample"])), 200, "reference.npy' is damaged: its SHA-256"),
        (flipped / "manifest.json", 50, "manifest.json' is damaged"),
        (flipped / "pools" / "1-gap.f16", item.slot * stride, f"{item.key!r}: pools/1-gap"),
        (flipped / item.source, 0, f"{item.key!r}: its picture {item.source!r} has changed"),
    ):
        assert named(flipped) == []
        flip(path, position, 1)
        assert any(words in line for line in named(flipped)), (words, named(flipped))
        flip(path, position, 1)


def test_flipped_pools_are_made_good_from_pictures_that_are_still_there(fake_index: Path) -> None:
    before = everything(fake_index)
    rng = random.Random(0)
    with closing(LocalStore(fake_index)) as store:
        stride = store.pool_files[next(iter(store.manifest.pools))].stride
    for slot in rng.sample(range(20), 3):
        flip(fake_index / "pools" / "1-gap.f16", slot * stride, 0x40)
    assert len(named(fake_index)) == 3
    with open_for_writing(fake_index) as store:
        done = repair(store, LocalEngine(SMALL, Limits()), FakeExtractor)
    assert (done.embedded, done.failed) == (3, ())
    assert named(fake_index) == []
    after = everything(fake_index)
    assert {i.key: i.digest for i in after["items"]} == {i.key: i.digest for i in before["items"]}  # type: ignore[attr-defined]


def test_flipped_pools_are_not_made_good_from_a_picture_that_is_another_now(
    fake_index: Path, pictures: Path
) -> None:
    flip(fake_index / "pools" / "1-gap.f16", 0, 0x40)
    (pictures / "000.png").write_bytes((pictures / "001.png").read_bytes())
    with open_for_writing(fake_index) as store:
        done = repair(store, LocalEngine(SMALL, Limits()), FakeExtractor)
    assert done.embedded == 0
    assert done.failed == (("000.png", "its picture is another than was indexed"),)
    assert any("pools/1-gap is damaged" in line for line in named(fake_index))


def test_a_new_generation_leaves_items_with_flipped_pools_out(fake_index: Path) -> None:
    flip(fake_index / "pools" / "1-gap.f16", 0, 0x40)
    with open_for_writing(fake_index) as store:
        store.rebuild()
        view = store.view(newest=True)
        assert 0 not in view.slots
        assert len(view.slots) == 19
