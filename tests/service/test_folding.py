"""Near-duplicates: copies of a picture fold into the first of them, other pictures do not."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from indexer.local import LocalStore
from indexer.spaces import Slots, Space, unit
from models.extraction import Vectors
from models.images import Limits
from service.answer import Answer, Hit
from service.folding import first_of_each
from service.query import Query
from service.search import Searcher
from tests.fakes import FakeExtractor, build_fake
from tests.service.views import space

NONE = np.empty(0, np.int64)


class FakeView:
    """A view of vectors by block, whose sample has nothing in common."""

    def __init__(self, *blocks: Vectors) -> None:
        self._blocks = {f"block{at}": one for at, one in enumerate(blocks)}
        self.manifest = SimpleNamespace(
            blocks=range(len(blocks)), space_of_block=lambda block: space(f"block{block}")
        )

    def reference(self, space: Space) -> Vectors:
        found = self._blocks[space.name]
        return np.concatenate([found, -found])

    def vectors(self, space: Space, slots: Slots) -> Vectors:
        return self._blocks[space.name][slots]


def firsts(view: FakeView, slots: list[int], before: Slots = NONE) -> list[int]:
    found = first_of_each(view, np.array(slots, np.int64), before)  # type: ignore[arg-type]
    return found.tolist()


def at_angles(*degrees: float) -> Vectors:
    turned = np.radians(degrees)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def test_first_is_the_one_that_comes_first_whatever_its_slot() -> None:
    view = FakeView(at_angles(0, 90, 2, 91, 180))
    assert firsts(view, [0, 1, 2, 3, 4]) == [0, 1, 0, 1, 4]
    assert firsts(view, [4, 3, 2, 1, 0]) == [0, 1, 2, 1, 2]
    assert firsts(view, []) == []


def test_ends_of_a_chain_of_small_changes_are_not_the_same() -> None:
    view = FakeView(at_angles(0, 15, 30, 45))
    assert firsts(view, [0, 1, 2, 3]) == [0, 0, 2, 2]
    assert firsts(view, [1, 0, 2, 3]) == [0, 0, 0, 3]


def test_pictures_that_differ_in_one_block_are_not_the_same() -> None:
    view = FakeView(at_angles(0, 1, 2), at_angles(0, 40, 1))
    assert firsts(view, [0, 1, 2]) == [0, 1, 0]


def test_what_is_the_same_as_an_earlier_first_is_known_and_folds_nothing() -> None:
    view = FakeView(at_angles(0, 15, 30, 31))
    assert firsts(view, [1, 2, 3], np.array([0])) == [-1, 1, 1]


@pytest.mark.parametrize("seed", range(10))
def test_cut_into_pages_the_same_are_folded_into_the_same(seed: int) -> None:
    random = np.random.default_rng(seed)
    view = FakeView(
        *(at_angles(*random.integers(0, 180, 60).tolist()) for _ in range(1 + seed % 2))
    )
    slots = random.permutation(60)
    whole = np.array(firsts(view, slots.tolist()))
    assert 3 < len(set(whole.tolist())) < 60
    for cut in (1, 13, 40):
        heads = slots[:cut][whole[:cut] == np.arange(cut)]
        rest = firsts(view, slots[cut:].tolist(), np.sort(heads))
        assert rest == np.where(whole[cut:] < cut, -1, whole[cut:] - cut).tolist()


# --- with pictures ----------------------------------------------------------------------------


def save_grid(path: Path, seed: int, size: int = 64, **options: Any) -> None:
    """Save a picture of 4 x 4 random tones."""
    tones = np.random.default_rng(seed).integers(0, 200, (4, 4, 3)).astype(np.uint8)
    Image.fromarray(tones).resize((size, size), Image.Resampling.NEAREST).save(path, **options)


@pytest.fixture
def searcher(tmp_path: Path) -> Iterator[Searcher]:
    """Ten pictures; the first comes in three more copies, the second in one."""
    folder = tmp_path / "copies"
    folder.mkdir()
    for seed in range(10):
        save_grid(folder / f"{seed}.png", seed)
    save_grid(folder / "0-good.jpg", 0, quality=90)
    save_grid(folder / "0-poor.jpg", 0, quality=40)
    save_grid(folder / "0-small.png", 0, size=32)
    save_grid(folder / "1-small.jpg", 1, size=48, quality=70)
    build_fake(tmp_path / "copied", folder)
    store = LocalStore(tmp_path / "copied")
    yield Searcher(store, FakeExtractor(), Limits())
    store.close()


def ask(searcher: Searcher, **fields: Any) -> Answer:
    terms = [
        {"attribute": name, "weight": weight, "image": {"key": key}}
        for name, weight, key in (("color", 1, "0.png"), ("texture", 0.3, "5.png"))
    ]
    return searcher.answer(Query.model_validate({"terms": terms, "limit": 20, **fields}), {})


def groups(hits: list[Hit]) -> list[frozenset[str]]:
    return [frozenset([hit.key, *(hit.duplicates or [])]) for hit in hits]


COPIES = {
    frozenset(["0.png", "0-good.jpg", "0-poor.jpg", "0-small.png"]),
    frozenset(["1.png", "1-small.jpg"]),
}


def test_copies_fold_into_one_hit_and_other_pictures_do_not(searcher: Searcher) -> None:
    hits = ask(searcher, collapse="picture").hits
    assert len(hits) == 10
    assert {group for group in groups(hits) if len(group) > 1} == COPIES
    assert all(hit.duplicates is None for hit in hits if len(hit.key) == 5 and hit.key > "2")


def test_hit_of_folded_copies_is_the_best_of_them(searcher: Searcher) -> None:
    plain = [hit.key for hit in ask(searcher).hits]
    assert len(plain) == 14
    for hit in ask(searcher, collapse="picture").hits:
        places = [plain.index(key) for key in (hit.key, *(hit.duplicates or []))]
        assert places == sorted(places), "the best is the hit, and copies come best first"


def test_as_many_hits_as_asked_for_are_left_after_folding(searcher: Searcher) -> None:
    for limit in range(1, 11):
        answer = ask(searcher, collapse="picture", limit=limit)
        assert len(answer.hits) == limit
        assert (answer.next_cursor is None) == (limit == 10)


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_copies_stay_folded_across_pages(searcher: Searcher, limit: int) -> None:
    long = ask(searcher, collapse="picture").hits
    answer = ask(searcher, collapse="picture", limit=limit)
    hits = list(answer.hits)
    while answer.next_cursor:
        query = Query.model_validate({"cursor": answer.next_cursor, "limit": limit})
        answer = searcher.answer(query, {})
        hits += answer.hits
    assert [hit.key for hit in hits] == [hit.key for hit in long]


def test_least_score_holds_for_folded_copies_too(searcher: Searcher) -> None:
    worst = min(hit.score for hit in ask(searcher).hits if hit.key.startswith("0"))
    hits = ask(searcher, collapse="picture", min_score=worst + 1e-9).hits
    assert max(map(len, groups(hits))) == 3


def test_copies_need_not_lie_near_each_other_on_the_unit_sphere_of_raw_vectors() -> None:
    """What all pictures have in common is left out, else any two would be the same."""
    common = np.array([[10.0, 0, 0]])
    own = np.eye(3, dtype=np.float32)[[0, 1, 2, 1]] * 0.5
    raw = unit((common + own).astype(np.float32))
    assert (raw @ raw.T > 0.95).all()
    view = FakeView(raw)
    view.reference = lambda space: raw  # type: ignore[method-assign]
    assert firsts(view, [0, 1, 2, 3]) == [0, 1, 2, 1]
