"""Loading: damage heals from raw pools, and readers survive a writer."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexer import following
from indexer.errors import IndexFolderError
from indexer.local import LocalStore
from indexer.lock import writer_lock
from indexer.manifest import DerivedFile
from indexer.manifest_file import read_manifest
from indexer.workshop import Workshop
from service.verify import verify
from tests.fakes import build_fake, random_colors, write_pictures


def answers(index: Path) -> dict[str, list[tuple[list[int], list[float]]]]:
    """What every space answers to every item, and its reference sample."""
    store = LocalStore(index)
    live, view, found = store.catalog.live_slots(), store.view(), {}
    for space in view.manifest.spaces.values():
        queries = space.transform(store.pools(live, space.pools))
        matches = view.search(space, queries, 10)
        found[space.name] = [(m.slots.tolist(), m.similarities.tolist()) for m in matches]
        found[f"{space.name} sample"] = view.reference(space).tolist()
    store.close()
    return found


def problems(index: Path) -> list[str]:
    store = LocalStore(index)
    found = list(verify(index, pictures=True))
    store.close()
    return found


def files(index: Path) -> list[DerivedFile]:
    """A segment and a sample of an indexed space, and the sample of one that is not."""
    generation = read_manifest(index).generation
    assert generation is not None
    references = generation.references
    return [
        generation.segments["block4-gap-whitened"][0],
        references["block1+2-foreground-whitened"],
        references["block2-gap"],
    ]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def test_an_unfinished_build_of_many_items_is_named_when_searched(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalStore, "checkpoint", interrupt)
    monkeypatch.setattr(following, "SCANNED", 10)
    with pytest.raises(KeyboardInterrupt):
        build_fake(tmp_path / "index", pictures)
    store = LocalStore(tmp_path / "index")
    with pytest.raises(IndexFolderError, match=r"is unfinished: 20 items .* run it again"):
        store.view()
    store.close()


@pytest.mark.parametrize("damage", [flip, truncate, empty, Path.unlink])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_damaged_derived_file_heals_from_raw_pools(
    fake_index: Path, damage: Callable[[Path], None], which: int, caplog: pytest.LogCaptureFixture
) -> None:
    before, file = answers(fake_index), files(fake_index)[which]
    damage(fake_index / file.path)
    assert answers(fake_index) == before
    assert "again from raw pools" in caplog.text
    assert problems(fake_index) == []
    assert files(fake_index)[which].sha256 == file.sha256  # the same bytes, made again
    caplog.clear()
    assert answers(fake_index) == before
    assert caplog.text == ""


def test_verify_finds_a_damaged_segment_before_it_is_healed(fake_index: Path) -> None:
    flip(fake_index / files(fake_index)[0].path)
    (found,) = problems(fake_index)
    assert "is damaged: its SHA-256 is" in found


def test_losing_all_derived_files_loses_nothing(fake_index: Path, pictures: Path) -> None:
    write_pictures(pictures, {"new.png": (9, 90, 9)})
    build_fake(fake_index, pictures)
    before = answers(fake_index)
    shutil.rmtree(fake_index / "spaces")
    shutil.rmtree(pictures)
    after = answers(fake_index)
    assert {n: a for n, a in after.items() if "sample" not in n} == {
        n: a for n, a in before.items() if "sample" not in n
    }
    assert [len(files) for files in _generation(fake_index).segments.values()] == [1, 1]


def _generation(index: Path):  # type: ignore[no-untyped-def]
    return read_manifest(index).generation


def test_damage_is_healed_in_memory_only_while_another_process_writes(
    fake_index: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before, file = answers(fake_index), files(fake_index)[0]
    flip(fake_index / file.path)
    with writer_lock(fake_index):
        assert answers(fake_index) == before
    assert "stays in memory only" in caplog.text
    assert len(problems(fake_index)) == 1
    assert answers(fake_index) == before
    assert problems(fake_index) == []


@pytest.mark.parametrize("grown", [1, 10])
def test_a_reader_whose_generation_was_replaced_takes_the_newer_one(
    fake_index: Path, pictures: Path, grown: int, caplog: pytest.LogCaptureFixture
) -> None:
    store = LocalStore(fake_index)  # has read the manifest, but no segment yet
    write_pictures(pictures, {f"new/{n}": c for n, c in random_colors(grown, 7).items()})
    build_fake(fake_index, pictures)
    manifest_before = (fake_index / "manifest.json").read_bytes()
    view = store.view()
    for space in view.manifest.spaces.values():
        queries = space.transform(store.pools(np.array([20]), space.pools))
        assert view.search(space, queries, 3)[0].slots[0] == 20
    assert store.manifest.generation == _generation(fake_index)
    assert (fake_index / "manifest.json").read_bytes() == manifest_before
    assert caplog.text == ""
    store.close()
    assert problems(fake_index) == []


def test_a_repair_never_replaces_a_manifest_that_is_newer(
    fake_index: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(fake_index / files(fake_index)[0].path)
    store, rebuild = LocalStore(fake_index), Workshop.covered_segments
    write_pictures(pictures, {"new.png": (9, 90, 9)})

    def rebuild_while_another_process_builds(*given):  # type: ignore[no-untyped-def]
        found = rebuild(*given)
        monkeypatch.setattr(Workshop, "covered_segments", rebuild)
        build_fake(fake_index, pictures)
        return found

    monkeypatch.setattr(Workshop, "covered_segments", rebuild_while_another_process_builds)
    store.view()
    store.close()
    assert _generation(fake_index).number == 2
    assert problems(fake_index) == []  # every item is in the newer one's segments
    assert len(answers(fake_index)["block4-gap-whitened"]) == 21
