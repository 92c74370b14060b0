"""The local store: searches equal brute force, and making one is all or nothing."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from indexer import local
from indexer.catalog import Item
from indexer.errors import IndexBusyError, IndexFolderError
from indexer.local import LocalStore, check_can_create, create_index, is_index
from indexer.manifest import read_manifest
from indexer.spaces import Space
from models.extraction import PoolName, Vectors
from service.verify import verify
from tests.fakes import CHANNELS, build_fake, manifest


def spaces(store: LocalStore) -> list[Space]:
    return list(store.manifest.spaces.values())


# --- searching ---------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_every_space_is_searched_exactly_with_or_without_segments(
    tmp_path: Path, pictures: Path, metric: str
) -> None:
    index = tmp_path / "index"
    build_fake(index, pictures, made=manifest(metric=metric))
    store = LocalStore(index)
    for space in spaces(store):
        vectors = space.transform(store.pools(np.arange(20), space.pools))
        for at, match in enumerate(store.search(space, vectors[:4], 6)):
            expected = vectors @ vectors[at]
            if metric == "l2":
                expected = -np.linalg.norm(vectors - vectors[at], axis=1)
            assert match.exact
            np.testing.assert_allclose(match.similarities, np.sort(expected)[::-1][:6], atol=1e-3)
            assert match.slots[0] == at
    store.close()


def test_items_newer_than_the_generation_are_found(fake_index: Path) -> None:
    writer = LocalStore(fake_index, writable=True)
    random = np.random.default_rng(5)
    pools = {
        name: random.random((3, width)).astype(np.float32)
        for name, width in writer.manifest.pools.items()
    }
    items = [Item(f"new/{n}", 1, 20 + n, "", "0", 0, 0, {}, "") for n in range(3)]
    writer.add(items, pools, [])
    assert writer.stale
    store = LocalStore(fake_index)
    for space in spaces(store):
        queries = space.transform(store.pools(np.arange(20, 23), space.pools))
        assert [m.slots[0] for m in store.search(space, queries, 4)] == [20, 21, 22]
        assert len(store.search(space, queries, 100)[0].slots) == 23
    store.close()
    writer.close()


def test_an_index_type_that_approximates_says_so(tmp_path: Path, pictures: Path) -> None:
    index = tmp_path / "index"
    build_fake(index, pictures, made=manifest(index_type="HNSW16"))
    store = LocalStore(index)
    exact = {s.name: store.search(s, _zeros(store, s), 3)[0].exact for s in spaces(store)}
    assert exact == {name: name not in store.manifest.indexed_spaces for name in exact}
    store.close()


def _zeros(store: LocalStore, space: Space) -> Vectors:
    return np.zeros((1, sum(store.manifest.pools[pool] for pool in space.pools)), np.float32)


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    create_index(tmp_path / "index", manifest())
    store = LocalStore(tmp_path / "index")
    for space in spaces(store):
        (match,) = store.search(space, _zeros(store, space), 5)
        assert (len(match.slots), store.count(), store.reference(space).size) == (0, 0, 0)
    assert list(verify(store)) == []
    store.close()


def test_many_threads_load_the_snapshot_once(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, loads = LocalStore(fake_index), []
    load = store._load
    monkeypatch.setattr(store, "_load", lambda: loads.append(1) or load())
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: store.snapshot, range(32)))
    assert len({id(one) for one in found}) == len(loads) == 1
    store.close()


def test_short_pools_are_named(fake_index: Path) -> None:
    path = fake_index / "pools" / "4-gap.f16"
    with path.open("r+b") as file:
        file.truncate(19 * CHANNELS[3] * 2)
    store = LocalStore(fake_index)
    with pytest.raises(IndexFolderError, match=r"4-gap\.f16' is damaged: it has 19 rows, row 19"):
        store.pools(np.arange(20), [PoolName(4, "gap")])
    store.close()


# --- making ------------------------------------------------------------------------------------


def test_a_new_index_is_whole_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "deep" / "index"

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(local, "write_manifest", interrupt)
        with pytest.raises(KeyboardInterrupt):
            create_index(folder, manifest())
    assert not is_index(folder)
    (folder / ".manifest.json.partial").write_text("{")
    create_index(folder, manifest())  # what was left is no obstacle
    assert is_index(folder)
    assert read_manifest(folder) == manifest()


def test_of_two_processes_that_make_one_index_the_first_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_index(tmp_path / "index", manifest(preset="paper"))
    with pytest.raises(IndexBusyError, match="has just been made an index by another process"):
        create_index(tmp_path / "index", manifest())
    assert json.loads((tmp_path / "index" / "manifest.json").read_text())["preset"] == "paper"


@pytest.mark.parametrize("name", ["notes.txt", "pools/mine.png", "catalog.sqlite.bak"])
def test_a_folder_with_other_files_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "used" / name).parent.mkdir(parents=True)
    (tmp_path / "used" / name).touch()
    with pytest.raises(IndexFolderError, match=r"used' is not an index and not empty"):
        check_can_create(tmp_path / "used")


def test_a_file_where_the_index_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IndexFolderError, match=r"file' is a file: name a folder"):
        check_can_create(tmp_path / "file")
    with pytest.raises(IndexFolderError, match=r"cannot make an index at '.*file/index'"):
        create_index(tmp_path / "file" / "index", manifest())


def test_pools_are_on_disk_before_the_commit_that_makes_them_real(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, steps = LocalStore(fake_index, writable=True), []
    monkeypatch.setattr("indexer.pools.os.fsync", lambda _: steps.append("synced"))
    monkeypatch.setattr(
        "indexer.catalog.Catalog.put", lambda self, items: steps.append("committed")
    )
    pools = {n: np.zeros((1, w), np.float32) for n, w in store.manifest.pools.items()}
    store.add([Item("a", 1, 20, "", "", 0, 0, {}, "")], pools, [])
    assert steps == ["synced"] * 8 + ["committed"]
    store.close()
