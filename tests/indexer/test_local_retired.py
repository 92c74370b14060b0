"""The view before means were taken anew is kept for a while, for answers being paged through."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from indexer import following
from indexer.build import BuildOptions
from indexer.local import LocalStore, open_for_writing
from indexer.local_view import LocalView
from tests.fakes import build_fake, random_colors, write_pictures
from tests.indexer.batches import random_batch
from tests.indexer.contents import answers, found


class Clock:
    """Time as a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    # Not the clock of the whole process: a server beside the test would oversleep.
    monkeypatch.setattr(following, "time", SimpleNamespace(monotonic=clock))
    return clock


def grow(index: Path, pictures: Path, count: int, seed: int) -> None:
    """Build with ``count`` pictures more, 10 of 20 being enough to take the means anew."""
    colors = random_colors(count, seed)
    write_pictures(pictures, {f"{seed}/{name}": color for name, color in colors.items()})
    build_fake(index, pictures)


def statistics(view: LocalView) -> str:
    return view.manifest.statistics


def test_the_newest_view_is_known_by_its_statistics(reader: LocalStore) -> None:
    view = reader.view()
    assert reader.view_of(statistics(view)) is view
    assert reader.view_of("") is None
    assert reader.view_of("0" * 32) is None


def test_with_the_same_means_the_newest_view_is_found(
    clock: Clock, fake_index: Path, reader: LocalStore
) -> None:
    first = reader.view()
    with open_for_writing(fake_index) as writer:
        writer.add(random_batch(writer.manifest, ["new"]))
        writer.checkpoint()  # one of twenty: a new generation with the means as they were
    clock.now += 1
    again = reader.view_of(statistics(first))
    assert again is reader.view()
    assert again is not first
    assert again is not None
    assert found(again) == [*range(21)]


def test_a_view_with_other_means_is_kept_and_answers_as_before(
    clock: Clock, reader: LocalStore, fake_index: Path, pictures: Path
) -> None:
    old, before = reader.view(), answers(reader.view())
    grow(fake_index, pictures, 10, seed=1)
    new = reader.view(newest=True)
    assert statistics(new) != statistics(old)
    assert reader.view_of(statistics(old)) is old
    assert reader.view_of(statistics(new)) is new
    assert answers(old) == before


def test_a_kept_view_outlives_changes_that_leave_the_means(
    clock: Clock, reader: LocalStore, fake_index: Path, pictures: Path
) -> None:
    old = reader.view()
    grow(fake_index, pictures, 10, seed=1)
    reader.view(newest=True)
    (pictures / "005.png").unlink()
    build_fake(fake_index, pictures, options=BuildOptions(prune=True))
    clock.now += 100
    assert 5 not in found(reader.view(newest=True))
    assert reader.view_of(statistics(old)) is old


@pytest.mark.parametrize(("waited", "kept"), [(899, True), (901, False)])
@pytest.mark.parametrize("news", [True, False])
def test_it_is_dropped_after_a_quarter_of_an_hour_whether_or_not_there_is_news(
    clock: Clock,
    reader: LocalStore,
    fake_index: Path,
    pictures: Path,
    waited: int,
    kept: bool,
    news: bool,
) -> None:
    old = reader.view()
    grow(fake_index, pictures, 10, seed=1)
    reader.view(newest=True)
    clock.now += waited
    if news:
        with open_for_writing(fake_index) as writer:
            writer.add(random_batch(writer.manifest, ["new"]))
    assert reader.view_of(statistics(old)) is (old if kept else None)


def test_only_the_last_view_with_other_means_is_kept(
    clock: Clock, reader: LocalStore, fake_index: Path, pictures: Path
) -> None:
    first = reader.view()
    grow(fake_index, pictures, 10, seed=1)
    second = reader.view(newest=True)
    grow(fake_index, pictures, 20, seed=2)
    third = reader.view(newest=True)
    found_again = [reader.view_of(statistics(one)) for one in (first, second, third)]
    assert found_again[0] is None
    assert found_again[1] is second
    assert found_again[2] is third
