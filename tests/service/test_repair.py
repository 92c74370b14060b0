"""Repair: what is damaged is made good out of the catalog and the pictures, or named."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from indexer.engine import Batch, Embedded, Original
from indexer.local import LocalStore, open_for_writing
from indexer.local_engine import LocalEngine
from indexer.sources import Entry
from indexer.staging import Work
from models.extraction import Extractor
from models.images import Limits
from service.repair import Repaired, repair
from service.verify import verify
from tests.fakes import SMALL, FakeExtractor


def repaired(index: Path, extractor: object = FakeExtractor) -> Repaired:
    with open_for_writing(index) as store:
        return repair(store, LocalEngine(SMALL, Limits()), extractor)  # type: ignore[arg-type]


def never() -> Extractor:
    raise AssertionError("there is nothing to embed")


def damage(index: Path, slot: int, name: str = "2-gap.f16", stride: int = 16) -> None:
    path = index / "pools" / name
    data = bytearray(path.read_bytes())
    data[slot * stride] ^= 0x55
    path.write_bytes(bytes(data))


def test_an_index_that_is_whole_is_left_alone_and_no_network_is_loaded(fake_index: Path) -> None:
    before = {path: path.read_bytes() for path in fake_index.rglob("*.f16")}
    assert repaired(fake_index, never) == Repaired(0, ())
    assert {path: path.read_bytes() for path in fake_index.rglob("*.f16")} == before


def test_items_are_embedded_again_under_their_keys_and_labels(fake_index: Path) -> None:
    with open_for_writing(fake_index) as store:
        store.declare([{"x": 1}])
        store.relabel({"003.png": {"x": 5}})
        whole = store.pools(store.catalog.live_slots()[3:4], list(store.manifest.pools))
    damage(fake_index, 3)
    damage(fake_index, 7)
    extractor = FakeExtractor()
    assert repaired(fake_index, lambda: extractor) == Repaired(2, ())
    assert extractor.pictures == 2
    assert list(verify(fake_index, pictures=True)) == []
    store = LocalStore(fake_index)
    item = store.item("003.png")
    assert item is not None
    assert (item.metadata, item.version) == ({"x": 5}, 2)
    for name, rows in store.pools(np.array([item.slot]), list(whole)).items():
        np.testing.assert_array_equal(rows, whole[name])
    store.close()


def test_pools_that_were_cut_short_are_lost_and_come_back(fake_index: Path) -> None:
    path = fake_index / "pools" / "4-gap.f16"
    path.write_bytes(path.read_bytes()[: -5 * 24])
    assert sum("has 15 rows" in line for line in verify(fake_index)) == 5
    assert repaired(fake_index).embedded == 5
    assert list(verify(fake_index, pictures=True)) == []


@pytest.mark.parametrize("fault", ["gone", "broken", "another"])
def test_an_item_whose_picture_is_not_what_it_was_stays_as_it_is_and_is_named(
    fake_index: Path, pictures: Path, fault: str
) -> None:
    damage(fake_index, 3)
    picture = pictures / "003.png"
    if fault == "gone":
        picture.unlink()
    else:
        picture.write_bytes(b"broken" if fault == "broken" else (pictures / "004.png").read_bytes())
    found = repaired(fake_index)
    assert found.embedded == 0
    ((key, reason),) = found.failed
    assert key == "003.png"
    assert reason
    store = LocalStore(fake_index)
    assert store.count() == 20
    assert store.failures() == []
    store.close()


def test_originals_stay_with_items_that_are_embedded_again(
    fake_index: Path, pictures: Path
) -> None:
    data = (pictures / "005.png").read_bytes()
    with open_for_writing(fake_index) as store:
        work = Work(Entry("sent", Path("sent"), {}), len(data), 0)
        one = Embedded(work, sha256(data).hexdigest(), len(data), (), Original(data, ".png"))
        pools = store.pools(np.array([5]), list(store.manifest.pools))
        (item,) = store.add(Batch([one], (), pools))
    damage(fake_index, item.slot)
    assert repaired(fake_index) == Repaired(1, ())
    store = LocalStore(fake_index)
    again = store.item("sent")
    assert again is not None
    assert (again.source, again.digest) == (item.source, item.digest)
    assert store.locate(again).read_bytes() == data
    store.close()
    assert list(verify(fake_index, pictures=True)) == []


def test_what_a_crash_left_behind_is_removed(fake_index: Path) -> None:
    stray = fake_index / "media" / "00" / "stray.png"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"left")
    assert any("no item needs it" in line for line in verify(fake_index))
    repaired(fake_index, never)
    assert list(verify(fake_index)) == []


def test_derived_files_are_healed_too(fake_index: Path) -> None:
    (segment,) = fake_index.glob("spaces/block4-gap-whitened/1/segment-0.faiss")
    segment.write_bytes(b"damaged")
    assert any("segment-0.faiss" in line for line in verify(fake_index))
    repaired(fake_index, never)
    assert list(verify(fake_index)) == []
