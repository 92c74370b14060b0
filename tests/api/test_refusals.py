"""Composed queries that are wrong: each refused with a problem that names the value."""

import io
import json
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.api.refusing import KEY, TERM, nested, refused, term


def example(**more: Any) -> dict[str, Any]:
    return {"terms": [term(image={"key": KEY, **more})]}


def palette(*swatches: dict[str, Any], attribute: str = "color") -> dict[str, Any]:
    return {"terms": [{"attribute": attribute, "palette": list(swatches)}]}


def picture(width: int, height: int, color: int = 255) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height), color).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"terms": [term(image={"key": KEY}, weight=0)]}, ["weights are 0: at least one"]),
        ({"terms": [{**TERM, "weight": -1}, {**TERM, "weight": -0.5}]}, ["weights are -1, -0.5"]),
        ({"terms": [{**TERM, "weight": 1e7}]}, ["terms[0].weight", "1000000", "'10000000.0'"]),
        ({"terms": [TERM] * 17}, ["terms has 17: expected at most 16"]),
        ({"terms": [TERM] * 100}, ["terms: ", "at most 64", "100"]),
        ({"terms": [term(image=[{"key": KEY}] * 65)]}, ["terms[0].image: ", "at most 64"]),
        ({"terms": [term(image=[])]}, ["terms[0].image: ", "at least 1"]),
        ({"terms": [{**TERM, "palette": [{"hex": "#fff"}]}]}, ["exactly one of image and palette"]),
    ],
)
def test_terms_that_make_no_query_are_refused(
    still_client: httpx.Client, query: dict[str, Any], words: list[str]
) -> None:
    refused(still_client.post("/v1/search", json=query), *words)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (palette({"hex": "#12345"}), ["terms[0].palette[0]: color '#12345': expected a hex"]),
        (palette({"hex": "7a1f2b"}), ["terms[0].palette[0]: color '7a1f2b'"]),
        (palette({"name": "navy"}, {"name": "blurple"}), ["palette[1]: color 'blurple'", "CSS"]),
        (palette({"hex": "#fff"}, attribute="texture"), ["terms[0].palette: only the attribute"]),
        ({"terms": [{"block": 1, "palette": [{"hex": "#fff"}]}]}, ["only the attribute 'color'"]),
        (palette({"any": 1.0}), ["terms[0].palette: all of it is any"]),
        (palette({"hex": "#fff", "name": "white"}), ["terms[0].palette[0]: ", "hex, name"]),
        (palette({}), ["exactly one of hex, name and any, got none"]),
        (palette({"hex": "#fff", "weight": 0}), ["terms[0].palette[0].weight: ", "'0'"]),
        (palette({"hex": "#fff", "weight": -2}), ["terms[0].palette[0].weight: ", "'-2'"]),
        (palette({"any": 1.0, "weight": 2}), ["the share of any is its value"]),
        (palette(), ["terms[0].palette: ", "at least 1"]),
        (palette(*[{"hex": "#fff"}] * 65), ["terms[0].palette: ", "at most 64"]),
    ],
)
def test_palettes_that_are_none_are_refused(
    still_client: httpx.Client, query: dict[str, Any], words: list[str]
) -> None:
    refused(still_client.post("/v1/search", json=query), *words)


def box(*values: float, unit: str = "fraction") -> dict[str, Any]:
    return example(region={"unit": unit, "box": values})


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (box(0, 0, 1.5, 1), ["terms[0].image.region.box is [0, 0, 1.5, 1]", "fractions of 0 to 1"]),
        (box(-0.1, 0, 1, 1), ["region.box is [-0.1, 0, 1, 1]"]),
        (box(0, 0, 17, 16, unit="pixel"), ["[0, 0, 17, 16]", "inside the picture of 16 x 16"]),
        (box(0.5, 0, 0.5, 1), ["[0.5, 0, 0.5, 1]: expected left < right and top < bottom"]),
        (box(8, 8, 4, 12, unit="pixel"), ["[8, 8, 4, 12]: expected left < right"]),
        (box(0, 0, 1), ["terms[0].image.region.box"]),
        (box(0, 0, 1, 1, unit="percent"), ["terms[0].image.region.unit", "'percent'"]),
        (example(background="x"), ["terms[0].image.background", "'auto' or 'none'", "'x'"]),
        (
            example(background="none", mask={"key": KEY}),
            ["terms[0].image: ", "a mask says what counts, so background 'none'"],
        ),
        (example(mask={"part": "m"}), ["terms[0].image.mask.part: no part 'm' was sent", "none"]),
        (example(mask={"key": "gone"}), ["terms[0].image.mask.key: no item has the key 'gone'"]),
        (example(mask={}), ["terms[0].image.mask: ", "exactly one of key, base64"]),
        (example(part="a"), ["exactly one of key, base64, part and url, got key, part"]),
        (
            {"terms": [TERM, term(image=[{"key": KEY}, {"key": "gone"}])]},
            ["terms[1].image[1].key: no item has the key 'gone'"],
        ),
        (
            {"terms": [term(image={"part": "a"})]},
            ["terms[0].image.part: no part 'a' was sent; sent were none"],
        ),
    ],
)
def test_examples_that_cannot_be_had_are_refused(
    still_client: httpx.Client, query: dict[str, Any], words: list[str]
) -> None:
    refused(still_client.post("/v1/search", json=query), *words)


@pytest.mark.parametrize(
    ("mask", "words", "kind"),
    [
        (picture(8, 16), ["terms[0].image.mask, part 'm', is 8 x 16 pixels", "16 x 16"], "query"),
        (picture(16, 16, 0), ["terms[0].image.mask, part 'm', is black where"], "query"),
        (b"no picture", ["terms[0].image.mask, part 'm': "], "picture"),
    ],
)
def test_masks_that_do_not_fit_are_refused(
    still_client: httpx.Client, mask: bytes, words: list[str], kind: str
) -> None:
    query = json.dumps(example(mask={"part": "m"}))
    answer = still_client.post("/v1/search", data={"query": query}, files={"m": mask})
    refused(answer, *words, kind=kind)


def test_parts_that_were_sent_are_named_beside_one_that_was_not(
    still_client: httpx.Client,
) -> None:
    query = json.dumps({"terms": [term(image={"part": "shirt"})]})
    files = {"shirts": picture(16, 16), "sleeve": picture(16, 16)}
    answer = still_client.post("/v1/search", data={"query": query}, files=files)
    refused(answer, "no part 'shirt' was sent; sent were 'shirts', 'sleeve'")


def test_an_address_is_not_fetched(still_client: httpx.Client) -> None:
    for image in ({"url": "http://a/b.jpg"}, {"key": KEY, "mask": {"url": "http://a/b.jpg"}}):
        answer = still_client.post("/v1/search", json={"terms": [term(image=image)]})
        refused(answer, "url: pictures by address are off: list the hosts", kind="picture")


@pytest.mark.parametrize(
    ("given", "words", "kind"),
    [
        ({"column": "prize", "eq": 1}, ["unknown metadata column 'prize'"], "unknown-name"),
        ({"not": {"column": "a", "gt": 1}}, ["unknown metadata column 'a'"], "unknown-name"),
        ({"price": 3}, ["filter: a filter has one of column, and, or, not, shows, got price"],
         "query"),
        ({"shows": "mauve"}, ["filter.shows: ", "'mauve'"], "query"),
        ({"or": []}, ["filter.or: expected at least one filter"], "query"),
        ({"column": "a"}, ["filter: a condition needs exactly one of eq, in"], "query"),
        (3, ["filter: expected a filter"], "query"),
        (nested(17), ["filter is nested 17 deep: expected at most 16"], "filter"),
        (nested(100), ["filter is nested 100 deep: expected at most 16"], "filter"),
        ({"and": [{"shows": "red"}] * 257}, ["filter has 257 conditions: expected at most 256"],
         "filter"),
    ],
)  # fmt: skip
def test_filters_that_do_not_fit_are_refused(
    still_client: httpx.Client, given: object, words: list[str], kind: str
) -> None:
    answer = still_client.post("/v1/search", json={"terms": [TERM], "filter": given})
    refused(answer, *words, kind=kind)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"limit": 0}, ["limit: ", "greater than or equal to 1", "'0'"]),
        ({"limit": 1001}, ["limit: ", "less than or equal to 1000", "'1001'"]),
        ({"limit": True}, ["limit: "]),
        ({"limit": 21, "explain": True}, ["limit is 21: expected 1 to 20 with explain"]),
        ({"collapse": "foo"}, ["collapse: Input should be 'picture' (got 'foo')"]),
        ({"min_score": 1.5}, ["min_score: ", "'1.5'"]),
        ({"explain": "yes"}, ["explain: ", "'yes'"]),
        ({"Limit": 5}, ["Limit: Extra inputs are not permitted"]),
        ({"cursor": 7}, ["cursor: ", "'7'"]),
    ],
)
def test_options_that_are_none_are_refused(
    still_client: httpx.Client, more: dict[str, Any], words: list[str]
) -> None:
    refused(still_client.post("/v1/search", json={"terms": [TERM], **more}), *words)
