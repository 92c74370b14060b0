"""Maps of a report: a block each, thumbnails and dots for every picture, or why there is none."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.local import LocalStore
from models.images import Limits
from service.evaluation import maps as module
from service.evaluation.evaluating import Options, Subject, evaluate
from service.evaluation.gallery import Gallery
from service.evaluation.maps import MapMaker, Maps, best_of_blocks
from service.evaluation.matching import match_columns
from service.evaluation.results import ColumnResult
from tests.fakes import build_fake


@pytest.fixture
def subject(labelled_pictures: Path, tmp_path: Path) -> Iterator[Subject]:
    build_fake(tmp_path / "index", labelled_pictures)
    store = LocalStore(tmp_path / "index")
    yield Subject(store, match_columns(store), {})
    store.close()


@pytest.fixture
def laid_out(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Places in rows of ten instead of UMAP's, and the shapes of vectors that were laid out."""
    shapes: list[tuple[int, ...]] = []

    def lay_out(vectors: np.ndarray, metric: str, seed: int) -> np.ndarray:
        shapes.append(vectors.shape)
        return np.stack(np.divmod(np.arange(len(vectors)), 10), axis=1).astype(float)

    monkeypatch.setattr(module, "lay_out", lay_out)
    return shapes


def found_in(subject: Subject) -> ColumnResult:
    (tone,) = (
        one for one in evaluate(subject, "s", "l", Options()).columns if one.attribute == "tone"
    )
    return tone


def maker(subject: Subject) -> MapMaker:
    return MapMaker(subject, Gallery(subject.store, Limits()), 0, lambda: None)


def drawn(subject: Subject, made: MapMaker | None = None) -> Maps:
    tone = next(one for one in subject.labelled.columns if one.name == "tone")
    return (made or maker(subject)).maps(tone, found_in(subject))


def dots(one: module.BlockMap) -> int:
    return sum(each.path.count("M") for each in one.dots)


@pytest.mark.usefixtures("laid_out")
def test_each_block_has_a_map_of_its_best_recipe_with_every_picture_on_it(subject: Subject) -> None:
    found = drawn(subject)
    assert [one.row.block for one in found.drawn] == [1, 2, 3, 4]
    for one in found.drawn:
        of_block = [row for row in found_in(subject).rows if row.block == one.row.block]
        best = max(row.measures["map"].value for row in of_block)
        assert one.row.measures["map"].value == best
        assert one.thumbs
        assert len(one.thumbs) + dots(one) == 24
    assert found.legend == (("blue", "#0000ff", 12), ("red", "#ff0000", 12))
    assert (found.items, found.total, found.why) == (24, 24, "")


@pytest.mark.usefixtures("laid_out")
def test_thumbnail_has_the_label_and_the_color_of_its_picture(subject: Subject) -> None:
    tone = next(one for one in subject.labelled.columns if one.name == "tone")
    codes = {item.key: code for item, code in zip(subject.labelled.items, tone.codes, strict=True)}
    thumbs = drawn(subject).drawn[0].thumbs
    assert {one.label for one in thumbs} == {"red", "blue"}
    for one in thumbs:
        assert one.label == tone.classes[codes[one.key]]
        assert one.color == {"red": "#ff0000", "blue": "#0000ff"}[one.label]


def test_columns_with_the_same_pictures_share_a_layout(
    subject: Subject, laid_out: list[tuple[int, ...]]
) -> None:
    made = maker(subject)
    drawn(subject, made)
    drawn(subject, made)
    assert len(laid_out) == 4


@pytest.mark.usefixtures("laid_out")
def test_picture_that_is_gone_is_a_dot(subject: Subject) -> None:
    before = drawn(subject).drawn[0]
    gone = before.thumbs[0].key
    item = next(one for one in subject.labelled.items if one.key == gone)
    subject.store.locate(item).unlink()
    after = drawn(subject).drawn[0]
    assert gone not in {one.key for one in after.thumbs}
    assert dots(after) == dots(before) + 1


@pytest.mark.usefixtures("laid_out")
def test_without_pictures_there_is_no_map_but_a_sentence(subject: Subject) -> None:
    for item in subject.labelled.items:
        subject.store.locate(item).unlink()
    found = drawn(subject)
    assert found.drawn == ()
    assert "cannot be read any more" in found.why


def test_few_pictures_have_no_map_but_a_sentence(subject: Subject) -> None:
    few = replace(subject, labelled=subject.labelled.part(np.arange(9)))
    found = drawn(few)
    assert found.drawn == ()
    assert found.why == "A map wants at least 10 pictures, and 9 are labelled."


def test_space_of_several_blocks_has_a_map_if_it_is_the_best(subject: Subject) -> None:
    found = found_in(subject)
    several = replace(found.rows[-1], name="all, as 'x' is", block=None)
    rows = (*found.rows, several)
    assert len(best_of_blocks(replace(found, rows=rows))) == 4
    assert best_of_blocks(replace(found, rows=rows, best=several.name))[-1] == several
