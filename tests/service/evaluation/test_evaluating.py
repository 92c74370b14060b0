"""The evaluation: the block that knows an attribute is named, ties are said to be ties."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.branches import Affine, Branch
from indexer.local import LocalStore
from indexer.spaces import Space, simple_space
from models.extraction import PoolName
from service.evaluation import evaluating
from service.evaluation.candidates import RECIPES, candidates
from service.evaluation.evaluating import Options, Subject, evaluate, limited
from service.evaluation.matching import match_columns
from service.evaluation.results import Evaluation
from tests.fakes import build_fake

COLOR = "blocks 1+2, as 'color' is"


@pytest.fixture
def subject(labelled_pictures: Path, tmp_path: Path) -> Iterator[Subject]:
    build_fake(tmp_path / "index", labelled_pictures)
    store = LocalStore(tmp_path / "index")
    labelled = match_columns(store)
    random = np.random.default_rng(0).random((24, 3)).astype(np.float32)
    yield Subject(store, labelled, {"noise": random})
    store.close()


def measured(subject: Subject, **options: object) -> Evaluation:
    return evaluate(subject, "s", "l", Options(**options))  # type: ignore[arg-type]


def test_every_block_and_recipe_is_measured_after_the_floors(subject: Subject) -> None:
    found = measured(subject)
    names = [row.name for row in found.columns[0].rows]
    assert names[:2] == ["chance", "noise"]
    assert names[2:-1] == [f"block {block}, {recipe}" for block in (1, 2, 3, 4)
                         for recipe in RECIPES]  # fmt: skip
    bound = {row.name: row.bound for row in found.columns[0].rows if row.bound}
    assert bound == {COLOR: ("color",), "block 4, whitened": ("texture",)}
    assert names[-1] == COLOR


def test_attribute_that_is_seen_beats_the_floor_and_one_that_is_not_is_a_tie(
    subject: Subject,
) -> None:
    chance, tone = measured(subject).columns
    assert tone.row(tone.best).measures["map"].value > 0.9
    assert not tone.floor.is_tie
    assert not tone.chance.is_tie
    assert chance.floor.is_tie
    assert chance.chance.is_tie
    assert chance.runner_up is not None
    assert chance.runner_up.is_tie
    assert tone.other_block is not None
    assert tone.row(tone.other_block.other).block != tone.row(tone.best).block


def test_figures_add_up(subject: Subject) -> None:
    tone = measured(subject).columns[1]
    best = tone.row(tone.best)
    assert np.sum(tone.confusion.counts) == tone.queries == 24
    right = np.trace(np.array(tone.confusion.counts)) / 24
    assert best.measures["accuracy_5"].value == pytest.approx(right)
    mean = np.mean([one.measures["map"].value for one in best.classes])
    assert best.macro["map"].value == pytest.approx(mean)
    assert best.measures["map"].low <= best.measures["map"].value <= best.measures["map"].high


def test_same_seed_gives_the_same_document(subject: Subject) -> None:
    assert measured(subject).to_document() == measured(subject).to_document()
    document = measured(subject, recipes=("paper",)).to_document()
    assert document["columns"][0]["floor"]["tie"] is True
    assert {row["recipe"] for row in document["columns"][0]["rows"] if row["space"]} >= {"paper"}


def test_many_queries_and_items_are_sampled_and_said_to_be(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "MAX_QUERIES", 10)
    found = measured(subject)
    assert found.columns[0].queries == 10
    assert "tone: 10 of 24 pictures ask, a sample by seed 0" in found.notes
    monkeypatch.setattr(evaluating, "MAX_ITEMS", 20)
    some = limited(subject.labelled, 0)
    assert (len(some.items), len(some.columns[0].codes)) == (20, 20)
    assert "20 of 24 labelled pictures" in some.notes[-1]
    assert evaluate(replace(subject, labelled=some, floors={}), "s", "l").columns[0].items == 20


def test_space_of_an_attribute_that_is_no_recipe_is_measured_as_it_is(subject: Subject) -> None:
    manifest = subject.store.manifest
    own = simple_space("own", (PoolName(2, "gap"),), root=True, centre=False, metric="cosine")
    found = candidates(manifest.with_attributes({"pattern": own}))
    assert (found[-1].name, found[-1].bound) == ("block 2, as 'pattern' is", ("pattern",))


def test_what_is_searched_now_is_measured_whatever_recipe_is_asked_for(subject: Subject) -> None:
    names = [row.name for row in measured(subject, recipes=("l2",)).columns[0].rows if row.bound]
    assert names == ["block 4, whitened", COLOR]


def test_space_that_was_learned_from_labels_is_said_to_flatter(subject: Subject) -> None:
    layer = Affine(np.zeros(8, np.float32), np.eye(8, dtype=np.float32)[:, :3].copy())
    learned = Branch((PoolName(2, "gap"),), method="learned", layers=(layer,))
    subject.store.bind({"tone": Space("learned-x", (learned,), "cosine")})  # type: ignore[attr-defined]
    found = measured(subject)
    assert any("block 2, as 'tone' is was learned from labels" in note for note in found.notes)
    assert not any("'color' is was learned" in note for note in found.notes)
