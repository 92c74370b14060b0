"""Palettes: what they may say, how colors mix, and what they find."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from indexer.local import LocalStore
from indexer.spaces import Space, simple_space
from models.colors import parse_color
from models.extraction import PoolName, RawPools
from models.images import Limits
from service.errors import QueryError
from service.garment import draw_garments
from service.palettes import Mixed, check_palette, colors_of, mix_palette, swatch_picture
from service.query import Query, Swatch
from service.search import Searcher
from tests.fakes import FakeExtractor, build_fake

POOLS = (PoolName(1, "gap"), PoolName(2, "foreground"))
MEAN = tuple(np.random.default_rng(1).uniform(0.1, 2, 10).tolist())
RED, BLUE, ANY = (
    Swatch(hex="#a00000", weight=60.0),
    Swatch(name="blue", weight=30.0),
    Swatch(any=10),
)


def space(**changes: Any) -> Space:
    fields = {"root": True, "centre": True, "metric": "l2", "mean": MEAN, **changes}
    return simple_space("s", POOLS, **fields)


def raw(seed: int) -> RawPools:
    """Return the pools of one color."""
    random = np.random.default_rng(seed)
    widths = zip(POOLS, (4, 6), strict=True)
    return {pool: random.uniform(0, 3, (1, n)).astype(np.float32) for pool, n in widths}


def flat(pools: RawPools) -> np.ndarray:
    return np.concatenate([pools[pool] for pool in POOLS], axis=1)


@pytest.mark.parametrize("root", [True, False])
def test_colors_mix_by_their_shares_before_the_root(root: bool) -> None:
    mixed = mix_palette([RED, BLUE], [raw(0), raw(1)])
    expected = flat(raw(0)) * 2 / 3 + flat(raw(1)) / 3
    np.testing.assert_allclose(flat(mixed.pools(space(root=root))), expected, rtol=1e-5)
    rooted = np.sqrt(expected) if root else expected
    vector = space(root=root).transform(mixed.pools(space(root=root)))
    np.testing.assert_allclose(vector, rooted - np.array(MEAN), atol=1e-5)


@pytest.mark.parametrize("root", [True, False])
def test_any_is_the_pools_whose_vector_is_the_mean(root: bool) -> None:
    of = space(root=root)
    nothing_else = Mixed(raw(0), np.zeros(1, np.float32), 1.0)
    np.testing.assert_allclose(of.transform(nothing_else.pools(of)), 0, atol=1e-5)
    mixed = mix_palette([RED, BLUE, ANY], [raw(0), raw(1)])
    neutral = np.array(MEAN) ** 2 if root else np.array(MEAN)
    expected = flat(raw(0)) * 0.6 + flat(raw(1)) * 0.3 + neutral * 0.1
    np.testing.assert_allclose(flat(mixed.pools(of)), expected, rtol=1e-5)


def test_mean_of_a_space_without_roots_may_be_below_zero() -> None:
    of = space(root=True, mean=tuple(-value for value in MEAN))
    nothing_else = Mixed(raw(0), np.zeros(1, np.float32), 1.0)
    np.testing.assert_allclose(of.transform(nothing_else.pools(of)), 0, atol=1e-5)


def test_any_has_no_share_in_a_space_without_a_mean() -> None:
    mixed = mix_palette([RED, BLUE, ANY], [raw(0), raw(1)])
    plain = mix_palette([RED, BLUE], [raw(0), raw(1)])
    of = space(centre=False, mean=None)
    np.testing.assert_allclose(flat(mixed.pools(of)), flat(plain.pools(of)), rtol=1e-6)


def test_only_the_ratio_of_shares_counts() -> None:
    few = mix_palette([Swatch(hex="#fff", weight=2.0), Swatch(hex="#000")], [raw(0), raw(1)])
    many = mix_palette(
        [Swatch(hex="#fff", weight=2e5), Swatch(hex="#000", weight=1e5)], [raw(0), raw(1)]
    )
    np.testing.assert_allclose(flat(few.pools(space())), flat(many.pools(space())), rtol=1e-5)


def test_order_of_colors_and_of_any_does_not_count() -> None:
    one = mix_palette([RED, BLUE, ANY], [raw(0), raw(1)])
    other = mix_palette([ANY, BLUE, RED], [raw(1), raw(0)])
    np.testing.assert_allclose(flat(one.pools(space())), flat(other.pools(space())), rtol=1e-5)


def test_colors_are_those_that_are_not_any() -> None:
    assert colors_of([ANY, RED, BLUE]) == [(160, 0, 0), (0, 0, 255)]


# --- what is wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("attribute", ["texture", None, "shape"])
def test_only_color_takes_a_palette(attribute: str | None) -> None:
    with pytest.raises(QueryError, match=r"terms\[1\]\.palette: only the attribute 'color'"):
        check_palette([RED], attribute, "terms[1].palette")


def test_palette_of_any_alone_is_refused() -> None:
    with pytest.raises(QueryError, match="p: all of it is any: expected at least one hex or name"):
        check_palette([ANY, ANY], "color", "p")


@pytest.mark.parametrize(
    "swatch",
    [Swatch(name="navi"), Swatch(hex="7a1f2b"), Swatch(hex="#12"), Swatch(hex=""), Swatch(name="")],
)
def test_color_that_is_none_is_named_by_its_place(swatch: Swatch) -> None:
    with pytest.raises(QueryError, match=r"p\[1\]: color '.*': expected a hex value .* or a CSS"):
        check_palette([RED, swatch], "color", "p")


def test_palette_is_checked_before_any_picture_is_looked_at(searcher: Searcher) -> None:
    terms = [
        {"attribute": "color", "image": {"part": "not sent"}},
        {"attribute": "texture", "palette": [{"hex": "#fff"}]},
    ]
    with pytest.raises(QueryError, match=r"terms\[1\]\.palette: only the attribute 'color'"):
        searcher.answer(Query.model_validate({"terms": terms}), {})


# --- what they find ---------------------------------------------------------------------------

NAMES = ("red", "green", "blue", "teal", "gold", "purple", "black", "chocolate", "pink", "gray")


@pytest.fixture
def extractor() -> FakeExtractor:
    return FakeExtractor()


@pytest.fixture
def searcher(tmp_path: Path, extractor: FakeExtractor) -> Iterator[Searcher]:
    """Garments of many colors, called by them."""
    folder = tmp_path / "garments"
    folder.mkdir()
    for name in NAMES:
        picture = draw_garments(parse_color(name), 64)[1]
        Image.fromarray(picture).save(folder / f"{name}.png")
    build_fake(tmp_path / "worn", folder)
    store = LocalStore(tmp_path / "worn")
    yield Searcher(store, extractor, Limits())
    store.close()


def ask(searcher: Searcher, *palettes: list[dict[str, Any]]) -> list[str]:
    terms = [{"attribute": "color", "palette": one} for one in palettes]
    answer = searcher.answer(Query.model_validate({"terms": terms}), {})
    return [hit.key.removesuffix(".png") for hit in answer.hits]


@pytest.mark.parametrize("name", NAMES)
def test_color_finds_what_has_it(searcher: Searcher, name: str) -> None:
    assert ask(searcher, [{"name": name}])[0] == name
    assert ask(searcher, [{"name": name, "weight": 70}, {"any": 30}])[0] == name


def test_two_colors_find_both_and_the_larger_first(searcher: Searcher) -> None:
    palette = [{"name": "red", "weight": 20}, {"name": "blue", "weight": 80}]
    found = ask(searcher, palette)
    assert found[0] == "blue"
    assert found.index("red") < found.index("green")


def test_hex_and_name_of_a_color_are_the_same(searcher: Searcher) -> None:
    assert ask(searcher, [{"hex": "#008080"}]) == ask(searcher, [{"name": "Teal"}])


def test_color_goes_through_the_network_once(searcher: Searcher, extractor: FakeExtractor) -> None:
    ask(searcher, [{"name": "teal"}])
    seen = extractor.pictures
    ask(searcher, [{"hex": "#008080", "weight": 3}, {"any": 1}], [{"name": "teal"}])
    assert extractor.pictures == seen


def test_palette_pushes_away_too(searcher: Searcher) -> None:
    terms = [
        {"attribute": "color", "palette": [{"name": "red"}, {"name": "blue"}]},
        {"attribute": "color", "weight": -1, "palette": [{"name": "red"}]},
    ]
    answer = searcher.answer(Query.model_validate({"terms": terms}), {})
    keys = [hit.key for hit in answer.hits]
    assert keys.index("blue.png") < keys.index("red.png")


# --- drawn for people -------------------------------------------------------------------------


def test_picture_of_a_palette_has_bands_as_wide_as_the_shares() -> None:
    with Image.open(io.BytesIO(swatch_picture([RED, ANY, BLUE], 100))) as image:
        assert (image.format, image.size) == ("PNG", (100, 100))
        middle = np.asarray(image)[50]
    assert (middle[:60] == (160, 0, 0)).all()
    assert (middle[71:] == (0, 0, 255)).all()
    assert (np.ptp(middle[62:69].astype(int), axis=1) == 0).all(), "any is grey"
