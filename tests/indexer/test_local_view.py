"""A view: one moment of an index, whatever is written meanwhile, and in how many threads."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from indexer import following
from indexer.build import BuildOptions
from indexer.catalog import Catalog
from indexer.change_log import News
from indexer.loading import Loader
from indexer.local import LocalStore, open_for_writing
from indexer.manifest_file import read_manifest
from indexer.snapshot import Snapshot
from tests.fakes import FakeExtractor, build_fake, random_colors, write_pictures
from tests.indexer.batches import random_batch
from tests.indexer.contents import answers, found


def add(pictures: Path, count: int, seed: int = 1) -> None:
    colors = random_colors(count, seed)
    write_pictures(pictures, {f"{seed}/{name}": color for name, color in colors.items()})


def test_a_view_taken_before_a_build_answers_the_same_while_and_after_it_runs(
    reader: LocalStore, fake_index: Path, pictures: Path
) -> None:
    view, before = reader.view(), answers(reader.view())
    seen: list[bool] = []

    class Asking(FakeExtractor):
        def extract(self, pixels, pools):  # type: ignore[no-untyped-def]
            seen.append(answers(view) == before)
            return super().extract(pixels, pools)

    add(pictures, 12)
    write_pictures(pictures, {"003.png": (250, 0, 0)})
    (pictures / "005.png").unlink()
    build_fake(fake_index, pictures, extractor=Asking(), options=BuildOptions(prune=True))
    assert seen == [True] * 4
    assert answers(view) == before
    assert answers(reader.view(newest=True)) != before


def test_generation_and_means_of_a_view_belong_together(
    reader: LocalStore, fake_index: Path, pictures: Path
) -> None:
    known = {1: read_manifest(fake_index)}
    views = [reader.view()]
    for seed, count in ((1, 10), (2, 2), (3, 20)):
        add(pictures, count, seed)
        build_fake(fake_index, pictures)
        views.append(reader.view(newest=True))
        known[seed + 1] = read_manifest(fake_index)
    for number, view in enumerate(views, start=1):
        assert view.manifest == known[number]
        assert view.manifest.generation is not None
        assert view.manifest.generation.number == number
        for name, space in view.manifest.spaces.items():
            live = view.slots
            vectors = space.transform(reader.pools(live, space.pools))
            (match,) = view.search(space, vectors[:1], 1000)
            expected = np.sort(vectors @ vectors[0])[::-1]
            np.testing.assert_allclose(match.similarities, expected, atol=1e-5, err_msg=name)


def test_a_build_that_ends_while_a_view_is_loaded_does_not_mix_into_it(
    fake_index: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, news = read_manifest(fake_index), Catalog.news
    add(pictures, 10)

    def build_meanwhile(catalog: Catalog) -> News:
        monkeypatch.setattr(Catalog, "news", news)
        build_fake(fake_index, pictures)
        return news(catalog)

    monkeypatch.setattr(Catalog, "news", build_meanwhile)  # the last that loading asks for
    reader = LocalStore(fake_index)
    view = reader.view()
    assert read_manifest(fake_index).spaces != before.spaces
    assert (view.manifest, found(view)) == (before, [*range(30)])
    assert reader.view(newest=True).manifest == read_manifest(fake_index)
    assert found(reader.view()) == [*range(30)]
    reader.close()


def test_a_delta_that_grew_with_its_view_equals_one_loaded_afresh(
    reader: LocalStore, fake_index: Path
) -> None:
    segments = {n: one.segments for n, one in reader.view().snapshot.spaces.items()}
    with open_for_writing(fake_index) as writer:
        for at in range(3):
            writer.add(random_batch(writer.manifest, [f"{at}/{n}" for n in range(4)], seed=at))
            grown = reader.view(newest=True).snapshot
            fresh = LocalStore(fake_index).view().snapshot
            for name, space in fresh.spaces.items():
                assert grown.spaces[name].segments == segments[name]  # taken over, not read again
                for mine, its in zip(grown.spaces[name].delta, space.delta, strict=True):
                    np.testing.assert_array_equal(mine, its)
        # Of what is replaced or deleted the grown delta keeps the row, and no answer shows it.
        writer.add(random_batch(writer.manifest, ["1/2", "late"], seed=9))
        with writer.catalog.transaction() as db:
            db.execute("DELETE FROM items WHERE key IN ('0/1', '2/3')")
        fresh = LocalStore(fake_index).view()
        view = reader.view(newest=True)
        assert answers(view) == answers(fresh)
        assert found(view) == fresh.slots.tolist()


def test_a_space_without_segments_has_no_delta(reader: LocalStore, fake_index: Path) -> None:
    with open_for_writing(fake_index) as writer:
        writer.add(random_batch(writer.manifest, ["new"]))
    snapshot: Snapshot = reader.view(newest=True).snapshot
    rows = {name: len(space.delta[1]) for name, space in snapshot.spaces.items()}
    assert rows == {name: int(name in snapshot.manifest.indexed_spaces) for name in rows}


def test_many_threads_search_while_the_view_is_renewed(
    reader: LocalStore, fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_FRESH_S", 0.0)
    rounds, start = 40, Barrier(5)
    states = [answers(reader.view())]

    def search() -> list[dict[str, list[object]]]:
        start.wait()
        return [answers(reader.view(newest=at % 3 == 0)) for at in range(rounds)]

    with open_for_writing(fake_index) as writer, ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(search) for _ in range(4)]
        start.wait()
        writer.add(random_batch(writer.manifest, [f"new/{n}" for n in range(8)]))
        seen = [one for thread in asked for one in thread.result()]
    states.append(answers(reader.view(newest=True)))
    assert len(seen) == 4 * rounds
    assert all(one in states for one in seen)
    assert seen[-1] == states[1] != states[0]


def test_whoever_has_a_view_does_not_wait_while_another_thread_renews_it(
    reader: LocalStore, fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_for_writing(fake_index) as writer:
        reader.view()
        writer.add(random_batch(writer.manifest, ["new"]))
        writer.checkpoint()
    monkeypatch.setattr(following, "_FRESH_S", 0.0)
    load, under_way, go_on = Loader.load, Barrier(2), Barrier(2)

    def slow(*given):  # type: ignore[no-untyped-def]
        under_way.wait(10)
        go_on.wait(10)
        return load(*given)

    monkeypatch.setattr(Loader, "load", slow)
    with ThreadPoolExecutor(1) as threads:
        renewing = threads.submit(lambda: reader.view(newest=True))
        under_way.wait(10)
        assert found(reader.view()) == [*range(20)]
        go_on.wait(10)
        assert found(renewing.result()) == [*range(21)]
