"""Terms to vectors: means of examples, and as few pictures through the network as can be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from indexer.local import LocalStore
from indexer.spaces import Metric
from models.extraction import RawPools
from models.images import Limits
from service.embedding import Embedded, Embedder
from service.opening import Opened
from service.query import Query
from service.search import Searcher
from tests.fakes import FakeExtractor, build_fake, manifest


def embed(searcher: Searcher, query: dict[str, Any], parts: dict[str, bytes]) -> list[Embedded]:
    prepared = searcher.prepare(Query.model_validate(query), searcher.examples(parts))
    return next(searcher._embed([prepared]))


def keys(*names: str, **term: Any) -> dict[str, Any]:
    return {"terms": [{**term, "image": [{"key": name} for name in names]}]}


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_several_examples_are_the_mean_of_their_vectors(
    tmp_path: Path, pictures: Path, metric: Metric
) -> None:
    build_fake(tmp_path / "made", pictures, made=manifest(metric=metric))
    store = LocalStore(tmp_path / "made")
    searcher = Searcher(store, FakeExtractor(), Limits())
    names = ("001.png", "002.png", "009.png")
    space = store.manifest.space_of_attribute("texture")
    slots = np.array([one.slot for name in names if (one := store.item(name))])
    vectors = store.view().vectors(space, slots).astype(np.float64)
    mean = vectors.mean(axis=0)
    if metric == "cosine":
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
        mean /= np.linalg.norm(mean)
    (found,) = embed(searcher, keys(*names, attribute="texture"), {})
    np.testing.assert_allclose(found.vector(space), mean, atol=1e-6)
    assert found.vectors(space).shape == (3, len(mean))
    assert found.vector(space).dtype == np.float32
    store.close()


def test_one_example_in_a_list_and_the_same_twice_are_that_example(opened: Opened) -> None:
    space = opened.store.manifest.space_of_attribute("color")
    one, list_of_one, twice = (
        embed(opened.searcher, query, {})[0].vector(space)
        for query in (
            {"terms": [{"attribute": "color", "image": {"key": "007.png"}}]},
            keys("007.png", attribute="color"),
            keys("007.png", "007.png", attribute="color"),
        )
    )
    np.testing.assert_allclose(list_of_one, one, atol=1e-6)
    np.testing.assert_allclose(twice, one, atol=1e-6)


def test_items_and_pictures_average_together(opened: Opened, pictures: Path) -> None:
    space = opened.store.manifest.space_of_attribute("color")
    mixed = {"terms": [{"attribute": "color", "image": [{"key": "001.png"}, {"part": "a"}]}]}
    data = (pictures / "002.png").read_bytes()
    (found,) = embed(opened.searcher, mixed, {"a": data})
    (expected,) = embed(opened.searcher, keys("001.png", "002.png", attribute="color"), {})
    np.testing.assert_allclose(found.vector(space), expected.vector(space), atol=2e-3)


def test_picture_in_several_terms_goes_through_the_network_once(
    opened: Opened, extractor: FakeExtractor, pictures: Path
) -> None:
    terms = [{"attribute": "color"}, {"attribute": "texture"}, {"block": 2}]
    query = {"terms": [{**one, "image": {"part": "a"}} for one in terms]}
    data = (pictures / "002.png").read_bytes()
    found = embed(opened.searcher, query, {"a": data})
    assert (extractor.pictures, extractor.blocks) == (1, {1, 2, 4})
    for one, subject in zip(found, ("color", "texture"), strict=False):
        space = opened.store.manifest.space_of_attribute(subject)
        (item,) = embed(opened.searcher, keys("002.png", attribute=subject), {})
        np.testing.assert_allclose(one.vector(space), item.vector(space), atol=2e-3)


def test_each_picture_gets_no_deeper_than_its_own_terms_ask(
    opened: Opened, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, set[int]]] = []
    extract = FakeExtractor.extract

    def noted(self: FakeExtractor, pixels: Any, pools: Any, content: Any = None) -> RawPools:
        calls.append((len(pixels), {pool.block for pool in pools}))
        return extract(self, pixels, pools, content)

    monkeypatch.setattr(FakeExtractor, "extract", noted)
    parts = {name: (pictures / f"00{name}.png").read_bytes() for name in "123"}
    terms = [
        {"attribute": "color", "image": [{"part": "1"}, {"part": "2"}]},
        {"attribute": "texture", "image": {"part": "3"}},
    ]
    embed(opened.searcher, {"terms": terms}, parts)
    assert sorted(calls, key=str) == [(1, {4}), (2, {1, 2})]


def test_pictures_of_several_queries_share_batches(
    opened: Opened, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    extract = Embedder.extract

    def noted(self: Embedder, squares: Any, pools: Any) -> RawPools:
        sizes.append(len(squares))
        return extract(self, squares, pools)

    monkeypatch.setattr(Embedder, "extract", noted)
    searcher = opened.searcher
    query = Query.model_validate(
        {"terms": [{"attribute": "color", "image": {"part": "a"}}], "limit": 1}
    )
    names = [f"{n % 20:03}.png" for n in range(70)]
    prepared = [
        searcher.prepare(query, searcher.examples({"a": (pictures / name).read_bytes()}))
        for name in names
    ]
    answers = list(searcher.answer_prepared(prepared))
    assert [one.hits[0].key for one in answers] == names
    assert sizes == [32, 32, 6]


def test_masked_and_plain_pictures_in_one_batch_each_count_as_they_would_alone(
    opened: Opened, pictures: Path
) -> None:
    space = opened.store.manifest.space_of_attribute("color")
    mask = Image.new("L", (16, 16), 0)
    mask.paste(255, (0, 0, 8, 16))
    mask.save(pictures / "left.gif")
    parts = {
        "a": (pictures / "001.png").read_bytes(),
        "m": (pictures / "left.gif").read_bytes(),
    }
    images = [
        {"part": "a"},
        {"part": "a", "mask": {"part": "m"}},
        {"part": "a", "background": "none"},
    ]
    (together,) = embed(
        opened.searcher, {"terms": [{"attribute": "color", "image": images}]}, parts
    )
    for row, image in zip(together.vectors(space), images, strict=True):
        (alone,) = embed(
            opened.searcher, {"terms": [{"attribute": "color", "image": image}]}, parts
        )
        np.testing.assert_allclose(row, alone.vectors(space)[0], atol=1e-6)
