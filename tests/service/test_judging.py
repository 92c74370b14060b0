"""Judgements of requests: what is recorded of each kind of query, and what is refused."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.errors import FeedbackFullError, UnknownKeyError
from indexer.feedback import Example, Shown, unpack
from models.errors import HueweaveError, PictureError, UnknownNameError
from models.extraction import RawPools
from service.errors import FeedbackError, QueryError
from service.judging import Feedback, Judge, Recorded, palette_text
from service.opening import Opened
from service.query import Swatch
from service.spelling import read_json

KEY, HIT = "003.png", "005.png"
BASE = {"attribute": "color", "query": {"key": KEY}, "hit": HIT, "same": True}


def record(opened: Opened, *pairs: dict[str, Any], most: int = 100, **parts: bytes) -> Recorded:
    given = read_json(Feedback, json.dumps({"pairs": [{**BASE, **pair} for pair in pairs]}))
    return Judge(opened.store, opened.searcher, most).record(given, parts, "0123abcd")


def only(opened: Opened) -> Shown | Example:
    (found,) = opened.store.feedback.every()
    return found.query


def pools(opened: Opened, example: Shown | Example) -> RawPools:
    assert isinstance(example, Example)
    packed = opened.store.feedback.pools([example.digest])
    return unpack([packed[example.digest]], opened.store.manifest.pools)


def assert_like_item(opened: Opened, found: RawPools, key: str) -> None:
    item = opened.store.item(key)
    assert item is not None
    stored = opened.store.pools(np.array([item.slot]), list(found))
    assert set(found) == set(opened.store.manifest.pools)
    for name, rows in stored.items():
        np.testing.assert_allclose(found[name], rows, atol=1e-3)


def test_items_are_recorded_as_they_are_now(opened: Opened) -> None:
    assert record(opened, {}) == Recorded(created=1, replaced=0, unchanged=0)
    (found,) = opened.store.feedback.every()
    query, hit = (opened.store.item(key) for key in (KEY, HIT))
    assert query is not None
    assert hit is not None
    assert found.query == Shown(KEY, query.version, query.slot)
    assert found.hit == Shown(HIT, hit.version, hit.slot)
    assert (found.attribute, found.same, found.key_id) == ("color", True, "0123abcd")


def test_repetition_is_one_judgement_and_the_opposite_takes_its_place(opened: Opened) -> None:
    assert record(opened, {}, {}).unchanged == 1
    assert record(opened, {"same": False}) == Recorded(created=0, replaced=1, unchanged=0)
    assert record(opened, {"same": False}, {"attribute": "texture"}) == Recorded(
        created=1, replaced=0, unchanged=1
    )


@pytest.mark.parametrize("how", ["base64", "part"])
def test_of_a_picture_its_pools_are_kept_and_not_the_picture(
    opened: Opened, pictures: Path, how: str
) -> None:
    data = (pictures / KEY).read_bytes()
    query = {"base64": base64.b64encode(data).decode()} if how == "base64" else {"part": "a"}
    record(opened, {"query": query}, {"query": query, "hit": "006.png", "same": False}, a=data)
    first, second = (one.query for one in opened.store.feedback.every())
    assert first == second
    assert_like_item(opened, pools(opened, first), KEY)
    assert data not in (pictures.parent / "index" / "catalog.sqlite").read_bytes()
    assert record(opened, {"query": query}, a=data).unchanged == 1


def test_a_part_of_a_picture_is_another_example_than_the_picture(
    opened: Opened, pictures: Path
) -> None:
    data = (pictures / KEY).read_bytes()
    box, other = {"box": [0.1, 0.1, 0.9, 0.9]}, {"box": [0.2, 0.1, 0.9, 0.9]}
    queries = [
        {"part": "a"},
        {"part": "a", "background": "none"},
        {"part": "a", "region": box},
        {"part": "a", "region": other},
        {"part": "a", "mask": {"part": "a"}},
        {"part": "a", "mask": {"part": "b"}},
    ]
    mask = (pictures / "004.png").read_bytes()
    try:
        record(opened, *({"query": query} for query in queries), a=data, b=mask)
    except QueryError:  # a picture that is dark is no mask
        pytest.fail("choose lighter pictures")
    assert opened.store.feedback.count() == len(queries)
    again = record(opened, *({"query": query} for query in queries), a=data, b=mask)
    assert again.unchanged == len(queries)
    # A part of an item is known by the item's picture.
    assert record(opened, {"query": {"key": KEY, "region": box}}).unchanged == 1


def test_colors_are_recorded_with_the_pools_of_a_picture_of_them(opened: Opened) -> None:
    red = {"query": {"palette": [{"hex": "#ff0000", "weight": 3}]}}
    assert record(opened, red).created == 1
    example = only(opened)
    assert isinstance(example, Example)
    assert example.palette == '[["#ff0000", 1.0]]'
    found = pools(opened, example)
    space = opened.store.manifest.space_of_attribute("color")
    expected = opened.searcher.embedder.color_pools([Swatch(hex="#ff0000")])
    for name in space.pools:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-3)
    assert record(opened, {"query": {"palette": [{"hex": "#FF0000"}]}}).unchanged == 1
    two = [{"name": "navy", "weight": 1}, {"hex": "#ff0000", "weight": 3}]
    assert record(opened, {"query": {"palette": two}}).created == 1
    assert record(opened, {"query": {"palette": two[::-1]}}).unchanged == 1
    assert palette_text([Swatch(name="navy"), Swatch(hex="#f00")]) == (
        '[["#f00", 0.5], ["navy", 0.5]]'
    )


@pytest.mark.parametrize(
    ("pair", "error", "words"),
    [
        ({"hit": "none"}, UnknownKeyError, "pairs[1].hit: no item has the key 'none'"),
        ({"query": {"key": "no"}}, UnknownKeyError, "pairs[1].query.key: no item has the key 'no'"),
        ({"attribute": "shape"}, UnknownNameError, "unknown attribute 'shape': expected one of"),
        ({"hit": KEY}, FeedbackError, "pairs[1]: query and hit are both '003.png'"),
        ({"query": {"part": "x"}}, QueryError, "pairs[1].query.part: no part 'x' was sent"),
        ({"query": {"base64": "eA=="}}, PictureError, "pairs[1].query, base64: "),
        ({"query": {"palette": [{"name": "reddish"}]}}, QueryError, "pairs[1].query.palette[0]"),
        ({"query": {"palette": [{"hex": "#f00"}, {"any": 1}]}}, FeedbackError,
         "pairs[1].query.palette[1]: any stands for no color"),
        ({"attribute": "texture", "query": {"palette": [{"hex": "#f00"}]}}, QueryError,
         "only the attribute 'color' takes a palette"),
        ({"same": "yes"}, QueryError, "pairs[1].same: Input should be a valid boolean"),
        ({"query": {}}, QueryError, "pairs[1].query: an image needs exactly one of key"),
        ({"query": {"palette": []}}, QueryError, "pairs[1].query.palette: "),
        ({"note": "nice"}, QueryError, "pairs[1].note: Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_recorded(
    opened: Opened, pair: dict[str, Any], error: type[HueweaveError], words: str
) -> None:
    with pytest.raises(error) as raised:
        record(opened, {}, pair)
    assert words in str(raised.value)
    assert opened.store.feedback.count() == 0


def test_there_is_a_most_of_pairs_and_of_judgements(opened: Opened) -> None:
    with pytest.raises(QueryError, match="at most 100 items"):
        record(opened, *[{}] * 101)
    with pytest.raises(QueryError, match="at least 1 item"):
        record(opened)
    with pytest.raises(FeedbackFullError):
        record(opened, {}, most=0)
