"""An attribute bound to the block that fits it: searched, counted and explained from then on."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.errors import IndexFolderError, RecipeMismatchError
from indexer.local import LocalStore
from indexer.manifest_file import read_manifest, write_manifest
from models.errors import BlockError
from models.images import Limits
from service.evaluation import binding
from service.evaluation.binding import Bound, apply
from service.evaluation.evaluating import Options, Subject, evaluate
from service.evaluation.labels import LabelError
from service.evaluation.matching import match_columns
from service.evaluation.results import Evaluation
from service.settings import load_settings
from tests.api.conftest import open_fake
from tests.fakes import build_fake, manifest
from tests.serving import serving


@pytest.fixture
def index(labelled_pictures: Path, tmp_path: Path) -> Path:
    build_fake(tmp_path / "index", labelled_pictures)
    return tmp_path / "index"


def measured(index: Path, *recipes: str) -> Evaluation:
    store = LocalStore(index)
    subject = Subject(store, match_columns(store), {})
    found = evaluate(subject, "s", "l", Options(recipes or ("paper", "foreground")))
    store.close()
    return found


def renamed(found: Evaluation, name: str) -> Evaluation:
    """Return an evaluation of one attribute, bound to block 3 by another recipe than any there."""
    seen = next(one for one in found.columns if one.attribute == "tone")
    column = replace(seen, attribute=name, best="block 3, paper")
    return replace(found, columns=(column,))


def bind(found: Evaluation, index: Path, measured_in: Path | None = None) -> list[Bound]:
    return apply(found, read_manifest(measured_in or index), index, load_settings())


def test_attribute_that_is_told_from_chance_is_bound_and_another_left_alone(index: Path) -> None:
    done = {one.attribute: one for one in bind(measured(index), index)}
    bound = read_manifest(index).attributes
    assert set(bound) == {"color", "texture", "tone"}
    assert done["tone"] == Bound("tone", None, bound["tone"])
    assert "no more than chance" in str(done["chance"].refused)


def test_new_attribute_is_searched_by_a_store_that_was_open_before(index: Path) -> None:
    store = LocalStore(index)
    store.view()
    bind(renamed(measured(index), "pattern"), index)
    view = store.view(newest=True)
    space = view.manifest.space_of_attribute("pattern")
    assert (space.name, space.branches[0].method) == ("block3-gap-cosine", "plain")
    item = store.item("03.png")
    assert item is not None
    query = view.vectors(space, np.array([item.slot]))
    (match,) = view.search(space, query, 5)
    assert match.slots[0] == item.slot
    store.close()


def test_server_knows_the_new_attribute_everywhere(index: Path) -> None:
    bind(renamed(measured(index), "pattern"), index)
    with serving(open_fake(index, Limits()), load_settings()) as client:
        names = [one["name"] for one in client.get("/v1/attributes").json()["attributes"]]
        assert names == ["color", "texture", "pattern"]
        terms = [{"attribute": "pattern", "image": {"key": "03.png"}}]
        answer = client.post("/v1/search", json={"terms": terms, "limit": 3}).json()
        assert answer["hits"][0]["key"] == "03.png"
        assert answer["hits"][0]["terms"][0]["attribute"] == "pattern"
        facets = client.get("/v1/facets", params={"column": "tone"}).json()
        assert facets["count"] == 24
        asked = {"query": {"terms": terms}, "key": "05.png"}
        assert client.post("/v1/explain", json=asked).status_code == 200


def test_bound_space_that_is_there_by_another_name_keeps_it(index: Path) -> None:
    found = renamed(measured(index), "pattern")
    column = replace(found.columns[0], best="block 4, whitened")
    bind(replace(found, columns=(column,)), index)
    assert read_manifest(index).attributes["pattern"] == "block4-gap-whitened"


def test_space_that_nothing_searches_any_more_is_dropped_but_not_the_first(index: Path) -> None:
    first = read_manifest(index).attributes["color"]
    found = renamed(measured(index), "color")
    bind(found, index)
    made = read_manifest(index)
    assert made.attributes["color"] == "block3-gap-cosine"
    assert made.original["color"].name == first
    column = replace(found.columns[0], best="block 2, l2")
    bind(replace(found, columns=(column,)), index)
    made = read_manifest(index)
    assert made.attributes["color"] == "block2-gap-l2"
    assert first in made.spaces
    assert "block3-gap-cosine" not in made.spaces
    folder = index / "spaces" / "block3-gap-cosine"
    assert not folder.exists() or not any(folder.iterdir())


def test_what_cannot_be_bound_is_refused_and_nothing_changes(
    index: Path, labelled_pictures: Path, tmp_path: Path
) -> None:
    found = measured(index, "paper", "foreground")
    paper = tmp_path / "paper"
    build_fake(paper, labelled_pictures, made=manifest(preset="paper"))
    seen = next(one for one in found.columns if one.attribute == "tone")
    column = replace(seen, best="block 2, foreground")
    with pytest.raises(BlockError, match="does not store its pool 2-foreground: it stores 1-gap"):
        bind(replace(found, columns=(column,)), paper, index)
    for name in ("7", "a:b", "x=y", ""):
        with pytest.raises(LabelError, match="no attribute can be called"):
            bind(renamed(found, name), index)
    assert set(read_manifest(index).attributes) == {"color", "texture"}
    with pytest.raises(IndexFolderError, match="no index at"):
        apply(found, read_manifest(index), tmp_path / "none", load_settings())


def test_index_of_another_network_is_refused(index: Path, tmp_path: Path) -> None:
    other = read_manifest(index)
    recipe = replace(other.recipe, backbone="resnet18", weights_sha256="0" * 64)
    write_manifest(index, replace(other, recipe=recipe))
    with pytest.raises(RecipeMismatchError, match="made with resnet18, fake was measured"):
        apply(measured(index), other, index, load_settings())


def test_what_was_measured_in_floats_goes_to_an_index_in_int8_of_the_same_weights(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(binding, "pinned_extractor", lambda *given: asked.append(given))
    made = read_manifest(index)
    int8 = replace(made.recipe, quantized="a" * 64)
    write_manifest(index, replace(made, recipe=int8))
    settings = load_settings(precision="float32")
    apply(measured(index), made, index, settings)
    assert not asked
    # Of other blocks, digests say nothing: the weights are looked at, and they are floats.
    recipe = replace(int8, weights="elsewhere", weights_sha256="0" * 64)
    write_manifest(index, replace(read_manifest(index), recipe=recipe))
    apply(measured(index), made, index, settings)
    ((manifest, given, _),) = asked
    assert manifest.recipe == replace(recipe, quantized=None)
    assert (given.weights, given.precision) == (made.recipe.weights, "auto")


def test_empty_index_cannot_be_bound(index: Path) -> None:
    store = LocalStore(index)
    store.remove([item.key for item in store.items()])
    space = store.manifest.spaces["block2-gap"]
    with pytest.raises(IndexFolderError, match="is empty"):
        store.bind({"pattern": space})
    store.close()
    assert "pattern" not in json.dumps(read_manifest(index).attributes)
