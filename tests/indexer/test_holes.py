"""What is gone leaves zeros that take no room, and what is beside it stays."""

import ctypes
import os
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from indexer import holes
from indexer.local import LocalStore
from indexer.pools import PoolFile
from service.verify import verify
from tests.indexer.batches import random_batch
from tests.indexer.contents import answers


@pytest.fixture(params=[True, False], ids=["holes", "zeros only"])
def can_punch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if not request.param:
        monkeypatch.setattr(holes, "_fallocate", lambda: lambda *_: -1)
    return bool(request.param)


def test_rows_are_emptied_and_no_other(tmp_path: Path, can_punch: bool) -> None:
    rows = np.random.default_rng(0).random((5000, 8)).astype(np.float16)
    file = PoolFile(tmp_path / "1-gap.f16", 8, "float16")
    file.write(0, rows)
    before = file.path.stat()
    gone = np.array([0, 7, *range(1000, 4000), 4999, 6000])
    file.empty(gone)
    kept = rows.copy()
    kept[gone[gone < 5000]] = 0
    np.testing.assert_array_equal(file.read(np.arange(5000)), kept)
    assert file.path.stat().st_size == before.st_size


def test_whole_blocks_give_their_room_back(tmp_path: Path) -> None:
    if holes._fallocate() is None:
        pytest.fail("this platform has no fallocate: its pools keep their size")
    path = tmp_path / "file"
    path.write_bytes(b"x" * 2**20)
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.fsync(descriptor)
        before = path.stat().st_blocks
        punched = holes._fallocate()(descriptor, 3, 0, 4096)
        holes.empty(descriptor, 4096, 2**20 - 4096)
    finally:
        os.close(descriptor)
    assert path.stat().st_size == 2**20
    assert path.read_bytes().count(b"x") == (4096 if punched == 0 else 8192)
    if punched == 0:  # a file system that can
        assert path.stat().st_blocks < before / 10
    else:
        assert ctypes.get_errno() == 0


def test_embeddings_of_removed_items_are_erased_by_the_second_generation(
    fake_index: Path,
) -> None:
    with closing(LocalStore(fake_index)) as store:
        gone = [f"{n:03}.png" for n in range(5, 12)]
        store.remove(gone)
        store.add(random_batch(store.manifest, ["013.png", "new"]))
        store.checkpoint()
        names = list(store.manifest.pools)
        for rows in store.pools(np.array([5, 11, 13]), names).values():
            assert rows.any(axis=1).all(), "views of the one before still read them"
        store.rebuild()
        for rows in store.pools(np.array([5, 11, 13]), names).values():
            assert not rows.any()
        for rows in store.pools(np.array([4, 12, 14, 20, 21]), names).values():
            assert rows.any(axis=1).all()
        before = answers(store.view())
    problems = [*verify(fake_index)]
    assert len(problems) == 2
    assert all("its picture" in problem for problem in problems)
    with closing(LocalStore(fake_index, read_only=True)) as again:
        assert answers(again.view()) == before


def test_what_was_emptied_is_not_emptied_again(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied: list[list[int]] = []
    empty = PoolFile.empty

    def noted(file: PoolFile, slots: np.ndarray) -> None:
        emptied.append(slots.tolist())
        empty(file, slots)

    monkeypatch.setattr(PoolFile, "empty", noted)
    with closing(LocalStore(fake_index)) as store:
        for key in ("003.png", "004.png"):
            store.remove([key])
            store.rebuild()
        store.rebuild()
    files = len(store.pool_files)
    assert [one for one in emptied if one] == [[3]] * files + [[4]] * files
