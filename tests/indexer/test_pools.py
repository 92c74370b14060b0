"""Raw pools: rows by slot, exact or rounded to float16, whole or refused."""

from pathlib import Path

import numpy as np
import pytest

from indexer.errors import IndexFolderError
from indexer.pools import PoolFile, PoolStore
from models.extraction import PoolName

RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.standard_normal((9, 5)).astype(np.float32)


def slots(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def test_rows_come_back_by_slot_in_the_order_asked(tmp_path: Path) -> None:
    file = PoolFile(tmp_path / "1-gap.f32", 5, "float32")
    file.write(0, VECTORS[:4])
    file.write(4, VECTORS[4:])
    assert file.rows() == 9
    np.testing.assert_array_equal(file.read(slots(7, 0, 7, 4)), VECTORS[[7, 0, 7, 4]])


def test_float32_is_exact_and_float16_rounds_to_nearest(tmp_path: Path) -> None:
    exact = PoolFile(tmp_path / "a", 5, "float32")
    half = PoolFile(tmp_path / "b", 5, "float16")
    for file in (exact, half):
        file.write(0, VECTORS)
    every = np.arange(9)
    assert exact.read(every).dtype == half.read(every).dtype == np.float32
    np.testing.assert_array_equal(exact.read(every), VECTORS)
    np.testing.assert_array_equal(half.read(every), VECTORS.astype(np.float16))
    assert not np.array_equal(half.read(every), VECTORS)
    assert (tmp_path / "a").stat().st_size == 2 * (tmp_path / "b").stat().st_size == 9 * 5 * 4


def test_rows_written_before_a_crash_are_written_over(tmp_path: Path) -> None:
    file = PoolFile(tmp_path / "a", 5, "float32")
    file.write(0, VECTORS[:2])
    file.write(2, VECTORS[:6] * 9)  # never committed
    file.write(2, VECTORS[2:4])
    np.testing.assert_array_equal(file.read(np.arange(4)), VECTORS[:4])


def test_reading_past_the_end_names_the_file_and_the_row(tmp_path: Path) -> None:
    file = PoolFile(tmp_path / "a", 5, "float16")
    with pytest.raises(IndexFolderError, match=r"/a' is damaged: it has 0 rows, row 0"):
        file.read(slots(0))
    file.write(0, VECTORS)
    with (tmp_path / "a").open("r+b") as handle:
        handle.truncate(9 * 10 - 1)  # the last row is torn
    with pytest.raises(IndexFolderError, match=r"has 8 rows, row 8 is asked for"):
        file.read(slots(0, 8))
    np.testing.assert_array_equal(file.read(slots(7)), VECTORS[7:8].astype(np.float16))


def test_no_slots_are_no_rows(tmp_path: Path) -> None:
    assert PoolFile(tmp_path / "a", 5, "float16").read(slots()).shape == (0, 5)


@pytest.mark.parametrize("value", [np.nan, np.inf, 70_000.0])
def test_what_float16_cannot_hold_is_refused_and_nothing_written(
    tmp_path: Path, value: float
) -> None:
    file = PoolFile(tmp_path / "1-gap.f16", 5, "float16")
    bad = VECTORS.copy()
    bad[3, 2] = value
    with pytest.raises(IndexFolderError, match="1-gap has values that are not finite in float16"):
        file.write(0, bad)
    assert file.rows() == 0


def test_float32_holds_what_float16_cannot(tmp_path: Path) -> None:
    file = PoolFile(tmp_path / "a", 5, "float32")
    file.write(0, VECTORS * 1e6)
    np.testing.assert_array_equal(file.read(np.arange(9)), VECTORS * np.float32(1e6))


def test_names_are_synced_by_the_first_write_of_each_process_and_bytes_by_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("indexer.pools.sync_folder", synced.append)
    names = {PoolName(1, "gap"): 5, PoolName(2, "gap"): 5}
    for _ in range(2):  # the second finds files, but not whether their names are on the disk
        store = PoolStore(tmp_path, names)
        for slot in (0, 9):
            store.write(slot, dict.fromkeys(names, VECTORS))
    assert synced == [tmp_path] * 2


def test_a_store_has_a_file_a_pool_named_after_it(tmp_path: Path) -> None:
    names = {PoolName(1, "gap"): 5, PoolName(4, "foreground"): 3}
    store = PoolStore(tmp_path, names)
    store.write(0, {PoolName(1, "gap"): VECTORS, PoolName(4, "foreground"): VECTORS[:, :3]})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1-gap.f16", "4-foreground.f16"]
    found = store.read(slots(2), [PoolName(4, "foreground")])
    assert list(found) == [PoolName(4, "foreground")]
    np.testing.assert_array_equal(
        found[PoolName(4, "foreground")], VECTORS[2:3, :3].astype(np.float16)
    )
