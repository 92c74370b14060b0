"""Cursors: what comes back out of their text, and texts that are none."""

import base64
import json
import zlib
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from indexer.filters import ALL, parse_filter
from models.errors import HueweaveError
from service.cursors import Cursor, CursorError, decode_cursor, query_digest
from service.query import Query, Subject
from tests.fakes import manifest

MADE = manifest()
TERM = {"attribute": "color", "image": {"key": "a"}}


def cursor(**changes: Any) -> Cursor:
    random = np.random.default_rng(0)
    found = Cursor(
        identity=MADE.identity,
        statistics=MADE.statistics,
        end=900,
        subjects=(Subject("color"), Subject(block=3)),
        weights=(1.0, -0.25),
        vectors=tuple(random.standard_normal((2, 9)).astype(np.float32)),
        filter=parse_filter('{"or": [{"shows": "red"}, {"column": "größe", "gte": 3}]}'),
        min_score=0.25,
        collapse="picture",
        digest="d" * 32,
        shown=np.sort(random.choice(900, 40, replace=False)),
        firsts=np.empty(0, np.int64),
    )
    return replace(found, **changes)


def same(left: Cursor, right: Cursor) -> bool:
    for field in fields(Cursor):
        a, b = getattr(left, field.name), getattr(right, field.name)
        if field.name in ("vectors", "shown", "firsts"):
            if len(a) != len(b) or any((x != y).any() for x, y in zip(a, b, strict=True)):
                return False
        elif a != b:
            return False
    return True


def unpacked(text: str) -> tuple[dict[str, Any], bytes]:
    body = zlib.decompress(base64.urlsafe_b64decode(text))
    length = int.from_bytes(body[:4], "little")
    return json.loads(body[4 : 4 + length]), body[4 + length :]


def packed(body: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(body)).decode()


def forged(rest: bytes | None = None, **head: Any) -> str:
    """Return a cursor's text with some of its head, or what comes after it, replaced."""
    good, tail = unpacked(cursor().encode())
    text = json.dumps({**good, **head}).encode()
    return packed(len(text).to_bytes(4, "little") + text + (tail if rest is None else rest))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"filter": ALL, "collapse": None, "min_score": 0.0},
        {"shown": np.empty(0, np.int64)},
        {"shown": np.array([0])},
        {"shown": np.array([2**31 - 1])},
        {"shown": np.arange(10_000)},
        {"shown": np.arange(0, 90, 3), "firsts": np.arange(0, 90, 6)},
        {"weights": (1e6, 1e-6)},
        {"vectors": (np.ones(1, np.float32), np.zeros(2048, np.float32))},
    ],
)
def test_cursor_comes_back_as_it_was(changes: dict[str, Any]) -> None:
    made = cursor(**changes)
    assert same(decode_cursor(made.encode(), MADE), made)


def test_slots_come_back_rising() -> None:
    made = cursor(shown=np.array([5, 3, 800]))
    assert decode_cursor(made.encode(), MADE).shown.tolist() == [3, 5, 800]


def test_text_goes_through_addresses_and_stays_short() -> None:
    text = cursor(shown=np.arange(0, 2000, 2)).encode()
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=")
    assert len(text) < 1000


@pytest.mark.parametrize("text", ["", "x", "ä", "AAAA", "a b", "=", "x" * 5000, "\0", "null", "{}"])
def test_text_that_is_no_cursor_is_named(text: str) -> None:
    with pytest.raises(CursorError, match="is none: expected next_cursor of an answer, unchanged"):
        decode_cursor(text, MADE)


def test_cut_short_anywhere_it_is_none() -> None:
    text = cursor().encode()
    for length in range(len(text)):
        with pytest.raises(CursorError):
            decode_cursor(text[:length], MADE)


def test_another_character_anywhere_makes_it_none_or_leaves_it_as_it_was() -> None:
    made = cursor()
    text, random = made.encode(), np.random.default_rng(0)
    refused = 0
    for at in range(len(text)):
        other = random.choice([c for c in "abcABC019-_=+/ é" if c != text[at]])
        try:
            # The last characters may have bits to spare, and + and / are read as - and _.
            assert same(decode_cursor(text[:at] + other + text[at + 1 :], MADE), made)
        except CursorError:
            refused += 1
    assert refused > 0.9 * len(text)


def test_another_bit_anywhere_makes_it_none() -> None:
    raw = base64.urlsafe_b64decode(cursor().encode())
    for at in range(len(raw)):
        for bit in range(8):
            damaged = raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]
            try:
                found = decode_cursor(base64.urlsafe_b64encode(damaged).decode(), MADE)
            except CursorError:
                continue
            assert same(found, cursor()), (at, bit)


@pytest.mark.parametrize("size", [5_000_000, 50_000_000])
def test_what_unpacks_to_too_much_is_none(size: int) -> None:
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(bytes(1_000_000)) for _ in range(size // 1_000_000))
    text = base64.urlsafe_b64encode(body + packer.flush()).decode()
    with pytest.raises(CursorError, match="is none"):
        decode_cursor(text, MADE)


def test_cursor_of_another_index_says_so() -> None:
    with pytest.raises(CursorError, match="of another index: ask again without it"):
        decode_cursor(cursor().encode(), manifest())


def test_cursor_of_another_version_says_so() -> None:
    with pytest.raises(CursorError, match="is of version 2: expected 1"):
        decode_cursor(forged(version=2), MADE)


@pytest.mark.parametrize(
    "head",
    [
        {"shown": 41},
        {"shown": 39},
        {"shown": -1},
        {"shown": -1, "firsts": 41},
        {"shown": 41, "firsts": -1},
        {"terms": []},
        {"terms": [{"weight": 1, "width": 18}, {"weight": 1, "width": 0}]},
        {"terms": [{"weight": 1, "width": 20}, {"weight": 1, "width": -2}]},
        {"terms": [{"weight": 1, "width": 10**12}]},
        {"terms": [{"attribute": "color", "weight": 0, "width": 18}]},
        {"terms": [{"attribute": "color", "weight": -1, "width": 18}]},
        {"terms": [{"attribute": "color", "weight": "NaN", "width": 18}]},
        {"terms": [{"attribute": "color", "weight": float("inf"), "width": 18}]},
        {"min_score": float("nan")},
        {"end": "many"},
        {"extra": 1},
        {"filter": {"column": "a"}},
        {"filter": {"shows": "mauve"}},
    ],
)
def test_forged_head_is_none(head: dict[str, Any]) -> None:
    with pytest.raises(CursorError, match="is none"):
        decode_cursor(forged(**head), MADE)


def test_forged_filter_that_is_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {"shows": "red"}
    for _ in range(100):
        deep = {"not": deep}
    with pytest.raises(HueweaveError, match="filter is nested 100 deep"):
        decode_cursor(forged(filter=deep), MADE)


@pytest.mark.parametrize(
    "rest",
    [
        np.full(58, np.nan, "<f4").tobytes(),
        np.concatenate([np.zeros(18, "<i4"), np.full(40, -1, "<i4")]).tobytes(),
        np.zeros(58, "<i4").tobytes(),
        b"",
        bytes(58 * 4 - 1),
    ],
)
def test_forged_numbers_are_none(rest: bytes) -> None:
    with pytest.raises(CursorError, match="is none"):
        decode_cursor(forged(rest), MADE)


@pytest.mark.parametrize("body", [b"", b"\xff", b"\xff\xff\xff\xff", b"\x02\0\0\0{}", b"\0" * 8])
def test_forged_bodies_are_none(body: bytes) -> None:
    with pytest.raises(CursorError, match="is none"):
        decode_cursor(packed(body), MADE)


# --- which query it is of ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes", [{"limit": 3}, {"cursor": "x"}, {"explain": True}, {"limit": 1, "explain": True}]
)
def test_what_only_says_how_much_to_show_leaves_it_the_same_query(changes: dict[str, Any]) -> None:
    query = {"terms": [TERM], "filter": {"shows": "red"}}
    left, right = (Query.model_validate(one) for one in (query, {**query, **changes}))
    assert query_digest(left) == query_digest(right)


@pytest.mark.parametrize(
    "changes",
    [
        {"terms": [TERM, TERM]},
        {"terms": [{**TERM, "weight": 2}]},
        {"terms": [{**TERM, "image": {"key": "b"}}]},
        {"terms": [{**TERM, "attribute": "texture"}]},
        {"filter": {"shows": "blue"}},
        {"min_score": 0.5},
        {"collapse": "picture"},
    ],
)
def test_what_changes_the_hits_makes_another_query(changes: dict[str, Any]) -> None:
    query = {"terms": [TERM]}
    left, right = (Query.model_validate(one) for one in (query, {**query, **changes}))
    assert query_digest(left) != query_digest(right)
