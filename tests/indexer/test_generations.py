"""Generations: frozen while the catalog stays, renewed when it drifts, whole after a crash."""

from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest

from indexer import generations
from indexer.build import BuildOptions
from indexer.local import LocalStore, open_for_writing
from indexer.manifest import Generation, Manifest
from indexer.manifest_file import read_manifest
from indexer.segments import read_segment
from indexer.spaces import Space
from models.extraction import Vectors
from tests.fakes import build_fake, manifest, random_colors, write_pictures


def add(source: Path, count: int, seed: int = 1) -> None:
    colors = random_colors(count, seed)
    write_pictures(source, {f"{seed}/{name}": color for name, color in colors.items()})


def generation(index: Path) -> Generation:
    found = read_manifest(index).generation
    assert found is not None
    return found


def segment_sizes(index: Path) -> dict[str, list[int]]:
    return {
        name: [read_segment(index / file.path, "cosine").count for file in files]
        for name, files in generation(index).segments.items()
    }


def oracle(store: LocalStore, space: Space, slots: np.ndarray) -> Vectors:
    """Vectors from raw pools in one piece, with the statistics of exactly these slots."""
    raw = store.pools(slots, space.pools)
    branches = tuple(one.definition for one in space.branches)
    return replace(space, branches=branches).fitted(lambda: [raw]).transform(raw)


def check_answers(index: Path) -> None:
    """Each indexed space answers as brute force over the live items does."""
    store = LocalStore(index)
    live = store.catalog.live_slots()
    for name in store.manifest.indexed_spaces:
        space = store.manifest.spaces[name]
        vectors = space.transform(store.pools(live, space.pools))
        for match, query in zip(
            store.view().search(space, vectors[:5], 8), vectors[:5], strict=True
        ):
            values = vectors @ query
            np.testing.assert_allclose(match.similarities, np.sort(values)[::-1][:8], atol=1e-5)
            found = values[np.searchsorted(live, match.slots)]
            np.testing.assert_allclose(match.similarities, found, atol=1e-5)
            assert len(set(match.slots.tolist())) == 8
    store.close()


def test_the_first_generation_has_the_mean_of_all_items(fake_index: Path) -> None:
    store = LocalStore(fake_index)
    assert generation(fake_index).number == 1
    assert (generation(fake_index).statistics_items, generation(fake_index).vectors) == (20, 20)
    every = np.arange(20)
    for space in store.manifest.spaces.values():
        vectors = space.transform(store.pools(every, space.pools))
        np.testing.assert_allclose(vectors, oracle(store, space, every), atol=1e-4)
    store.close()
    check_answers(fake_index)


def test_a_small_addition_freezes_means_and_adds_a_segment(
    fake_index: Path, pictures: Path
) -> None:
    before, spaces = generation(fake_index), read_manifest(fake_index).spaces
    add(pictures, 3)
    build_fake(fake_index, pictures)
    after = generation(fake_index)
    assert read_manifest(fake_index).spaces == spaces
    assert (after.number, after.slots, after.statistics_items, after.vectors) == (2, 23, 20, 23)
    for name, files in after.segments.items():
        assert files[0].sha256 == before.segments[name][0].sha256
    assert [list(sizes) for sizes in segment_sizes(fake_index).values()] == [[20, 3], [20, 3]]
    assert [f.sha256 for f in after.references.values()] == [
        f.sha256 for f in before.references.values()
    ]
    check_answers(fake_index)


def test_growth_past_a_fifth_renews_means_and_merges_segments(
    fake_index: Path, pictures: Path
) -> None:
    spaces = read_manifest(fake_index).spaces
    add(pictures, 4)
    build_fake(fake_index, pictures)
    assert read_manifest(fake_index).spaces == spaces  # a fifth exactly
    add(pictures, 1, seed=2)
    build_fake(fake_index, pictures)
    assert read_manifest(fake_index).spaces != spaces
    assert generation(fake_index).statistics_items == generation(fake_index).vectors == 25
    assert list(segment_sizes(fake_index).values()) == [[25], [25]]
    store = LocalStore(fake_index)
    live = store.catalog.live_slots()
    for space in store.manifest.spaces.values():
        vectors = space.transform(store.pools(live, space.pools))
        np.testing.assert_allclose(vectors, oracle(store, space, live), atol=1e-4)
    store.close()
    check_answers(fake_index)


def test_many_replaced_items_renew_once_and_not_at_every_build(
    fake_index: Path, pictures: Path
) -> None:
    write_pictures(pictures, random_colors(20, seed=9))
    build_fake(fake_index, pictures)
    assert list(segment_sizes(fake_index).values()) == [[20], [20]]
    assert generation(fake_index).slots == 40
    with open_for_writing(fake_index) as store:
        store.checkpoint(lambda: pytest.fail("no generation is due"))
    build_fake(fake_index, pictures)
    assert generation(fake_index).number == 2
    check_answers(fake_index)


@pytest.mark.parametrize(("gone", "number"), [(4, 1), (5, 2)])
def test_items_removed_are_masked_until_a_fifth_is_gone(
    fake_index: Path, pictures: Path, gone: int, number: int
) -> None:
    for n in range(gone):
        (pictures / f"{n:03}.png").unlink()
    build_fake(fake_index, pictures, options=BuildOptions(prune=True))
    assert generation(fake_index).number == number
    check_answers(fake_index)


def test_only_the_newest_generation_stays_on_disk(fake_index: Path, pictures: Path) -> None:
    add(pictures, 2)
    build_fake(fake_index, pictures)
    assert {path.name for path in fake_index.glob("spaces/*/*")} == {"2"}


def test_what_a_killed_checkpoint_left_is_replaced(fake_index: Path, pictures: Path) -> None:
    for name in ("block1+2-foreground-whitened", "block9-gone"):
        for number in ("2", "77"):
            left = fake_index / "spaces" / name / number
            left.mkdir(parents=True)
            (left / "segment-0.faiss").write_bytes(b"half a segment")
            (left / ".segment-1.faiss.partial").write_bytes(b"half")
    add(pictures, 2)
    build_fake(fake_index, pictures)
    assert {path.name for path in fake_index.glob("spaces/*/*")} == {"2"}
    assert not list(fake_index.glob("spaces/*/*/.*"))
    check_answers(fake_index)


def test_an_addition_heals_a_segment_or_sample_that_is_missing(
    fake_index: Path, pictures: Path
) -> None:
    old, spaces = generation(fake_index), read_manifest(fake_index).spaces
    (fake_index / old.segments["block4-gap-whitened"][0].path).unlink()
    (fake_index / old.references["block2-gap"].path).unlink()
    add(pictures, 2)
    build_fake(fake_index, pictures)
    assert read_manifest(fake_index).spaces == spaces
    assert segment_sizes(fake_index) == {
        "block1+2-foreground-whitened": [20, 2],
        "block4-gap-whitened": [22],
    }
    check_answers(fake_index)


def test_a_file_system_without_hard_links_gets_synced_copies(
    fake_index: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    synced: list[str] = []
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    monkeypatch.setattr(generations, "sync_file", lambda path: synced.append(path.name))
    add(pictures, 2)
    build_fake(fake_index, pictures)
    assert synced.count("segment-0.faiss") == 2
    assert synced.count("reference.npy") == 6
    check_answers(fake_index)


def test_a_few_new_items_fit_beside_an_ivf_they_could_not_train(
    tmp_path: Path, pictures: Path
) -> None:
    index = tmp_path / "index"
    add(pictures, 300)
    build_fake(index, pictures, made=manifest(index_type="IVF8,Flat"), batch_size=64)
    add(pictures, 5, seed=2)
    build_fake(index, pictures)
    assert list(segment_sizes(index).values()) == [[320, 5], [320, 5]]
    store = LocalStore(index)
    space = store.manifest.space_of_attribute("texture")
    newest = np.arange(320, 325)
    queries = space.transform(store.pools(newest, space.pools))
    found = [match.slots[0] for match in store.view().search(space, queries, 1)]
    assert found == newest.tolist()
    store.close()


def test_an_index_type_the_first_items_cannot_train_waits_until_there_are_more(
    tmp_path: Path, pictures: Path
) -> None:
    index = tmp_path / "index"
    build_fake(index, pictures, made=manifest(index_type="IVF64,Flat"))
    assert not any("IVF" in kind for kind in kinds(index))
    add(pictures, 300)
    build_fake(index, pictures, batch_size=64)
    assert all("IVF" in kind for kind in kinds(index))


def kinds(index: Path) -> set[str]:
    outer = [faiss.read_index(str(path)) for path in index.glob("spaces/*/*/*.faiss")]
    return {type(faiss.downcast_index(one.index)).__name__ for one in outer}


def test_many_segments_are_made_into_one_with_the_means_they_had(
    fake_index: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "_MAX_SEGMENTS", 3)
    means = read_manifest(fake_index).spaces
    sizes = []
    for seed in range(1, 4):
        add(pictures, 1, seed=seed)
        build_fake(fake_index, pictures)
        sizes.append(set(map(tuple, segment_sizes(fake_index).values())))
    assert sizes == [{(20, 1)}, {(20, 1, 1)}, {(23,)}]
    assert read_manifest(fake_index).spaces == means


def test_spaces_without_a_mean_are_built_as_they_are(tmp_path: Path, pictures: Path) -> None:
    index = tmp_path / "index"
    made: Manifest = manifest(preset="paper", metric="l2")
    build_fake(index, pictures, made=made)
    assert read_manifest(index).spaces == made.spaces
    store = LocalStore(index)
    space = store.manifest.space_of_attribute("color")
    vectors = store.pools(np.arange(20), space.pools)[space.pools[0]]
    (match,) = store.view().search(space, vectors[:1], 20)
    distances = np.linalg.norm(vectors - vectors[0], axis=1)
    np.testing.assert_allclose(match.similarities, -np.sort(distances), atol=1e-3)
    store.close()
