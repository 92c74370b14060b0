"""Composed queries that are wrong, in the shell and over REST: one clear line that names the
value, a 4xx problem document, never a stack trace."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.conftest import Command, is_one_error, is_problem

pytestmark = pytest.mark.e2e

KEY = "images/red-dots-0.jpg"
BY_KEY = f"color=key:{KEY}"


def term(**more: Any) -> dict[str, Any]:
    return {"attribute": "color", "image": {"key": KEY}, **more}


def edited(**more: Any) -> dict[str, Any]:
    return {"terms": [term(image={"key": KEY, **more})]}


def palette(*swatches: dict[str, Any], attribute: str = "color") -> dict[str, Any]:
    return {"terms": [{"attribute": attribute, "palette": list(swatches)}]}


def by_key(*flags: str) -> list[str]:
    return ["--key", KEY, "-a", "color", *flags]


def a_box(*values: float, unit: str = "fraction") -> dict[str, Any]:
    return edited(region={"unit": unit, "box": values})


def options(**more: Any) -> dict[str, Any]:
    return {"terms": [term()], **more}


DEEP = '{"not": ' * 100 + "{}" + "}" * 100
SEVENTEEN = [flag for _ in range(17) for flag in ("-t", BY_KEY)]
HUNDRED = [flag for _ in range(100) for flag in ("-t", BY_KEY)]


@pytest.mark.parametrize(
    ("flags", "query", "words"),
    [
        (["-t", f"color:0=key:{KEY}"], options(terms=[term(weight=0)]), "weights are 0: at least"),
        (["-t", f"color:-1=key:{KEY}", "-t", f"texture:-2=key:{KEY}"],
         options(terms=[term(weight=-1), term(attribute="texture", weight=-2)]),
         "weights are -1, -2: at least one must be above 0"),
        (["-t", f"shape=key:{KEY}"], options(terms=[term(attribute="shape")]),
         "unknown attribute 'shape': expected one of color, texture"),
        (SEVENTEEN, options(terms=[term()] * 17), "terms has 17: expected at most 16"),
        (HUNDRED, options(terms=[term()] * 100), "terms: List should have at most 64"),
        (["-t", "color=key:gone"], options(terms=[term(image={"key": "gone"})]),
         "terms[0].image.key: no item has the key 'gone'"),
        (["--palette", "#7a1f2"], palette({"hex": "#7a1f2"}), "color '#7a1f2': expected a hex"),
        (["--palette", "teal, blurple 3"], palette({"name": "teal"}, {"name": "blurple"}),
         "palette[1]: color 'blurple'"),
        (["--palette", "any"], palette({"any": 1.0}), "all of it is any"),
        (["--palette", "red 1e9"], palette({"name": "red", "weight": 1e9}),
         "nput should be less than or equal to 1000000"),
        (["--palette", ",".join(["red"] * 65)], palette(*[{"name": "red"}] * 65),
         "palette: List should have at most 64"),
        (["-t", "texture=palette:red"], palette({"name": "red"}, attribute="texture"),
         "terms[0].palette: only the attribute 'color' takes a palette"),
        (by_key("--region", "0,0,1.2,1"), a_box(0, 0, 1.2, 1),
         "region.box is [0, 0, 1.2, 1]: expected fractions of 0 to 1"),
        (by_key("--region", "0,0,161,20px"), a_box(0, 0, 161, 20, unit="pixel"),
         "region.box is [0, 0, 161, 20]: expected pixels inside the picture of 160 x 160"),
        (by_key("--region", "0.4,0.1,0.4,0.9"), a_box(0.4, 0.1, 0.4, 0.9),
         "region.box is [0.4, 0.1, 0.4, 0.9]: expected left < right and top < bottom"),
        (by_key("--background", "x"), edited(background="x"), "'auto' or 'none' (got 'x')"),
        (by_key("--filter", '{"column": "colour", "eq": "red"}'),
         options(filter={"column": "colour", "eq": "red"}), "unknown metadata column 'colour'"),
        (by_key("--filter", '{"column": "color", "eq": 1}'),
         options(filter={"column": "color", "eq": 1}),
         "filter.eq is 1, but column 'color' is text: expected text"),
        (by_key("--filter", DEEP), options(filter=json.loads(DEEP)),
         "filter is nested 100 deep: expected at most 16"),
        (by_key("--cursor", "damaged"), options(cursor="damaged"), "cursor 'damaged'"),
        (["--cursor", "damaged"], {"cursor": "damaged"}, "cursor 'damaged'"),
        (by_key("-k", "1001"), options(limit=1001),
         "limit: Input should be less than or equal to 1000 (got '1001')"),
        (by_key("-k", "21", "--explain", "why"), options(limit=21, explain=True),
         "limit is 21: expected 1 to 20 with explain"),
        (by_key("--collapse", "foo"), options(collapse="foo"),
         "collapse: Input should be 'picture' (got 'foo')"),
    ],
)  # fmt: skip
def test_wrong_query_is_named_in_the_shell_and_over_rest(
    hueweave: Command,
    server: httpx.Client,
    fabric_index: Path,
    flags: list[str],
    query: dict[str, Any],
    words: str,
) -> None:
    is_one_error(hueweave("query", *flags, "--index", fabric_index), words)
    is_problem(server.post("/v1/search", json=query), words)
    assert not Path("why").exists()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("[" * 100_000, "the query is not JSON: recursion limit exceeded"),
        ('{"terms": ' * 100_000, "the query is not JSON: recursion limit exceeded"),
        (json.dumps(options(terms=[term(image=[{"key": KEY}] * 65)])),
         "terms[0].image: List should have at most 64"),
        (json.dumps(options(terms=[term(image={"part": "shirt"})])),
         "terms[0].image.part: no part 'shirt' was sent; sent were 'shirts'"),
        (json.dumps(options(terms=[term(image={"url": "http://a/b.jpg"})])),
         "terms[0].image.url: pictures by address are off"),
        (json.dumps(edited(mask={"part": "shirts"}, background="auto")),
         "a mask says what counts, so background 'auto' cannot be given too"),
        (json.dumps(options(Limit=5)), "Limit: Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_wrong_json_is_named_in_the_shell_and_over_rest(
    hueweave: Command,
    server: httpx.Client,
    fabric_index: Path,
    fabrics: Path,
    query: str,
    words: str,
) -> None:
    Path("query.json").write_text(query)
    picture = fabrics.parent / KEY if fabrics.is_file() else fabrics / KEY
    part = ("--part", f"shirts={picture}")
    is_one_error(hueweave("query", "--query", "query.json", *part, "--index", fabric_index), words)
    files = {"query": query.encode(), "shirts": picture.read_bytes()}
    is_problem(server.post("/v1/search", files=files), words)


@pytest.mark.parametrize(
    ("size", "color", "words"),
    [((20, 30), 255, "is 20 x 30 pixels: expected the size of its picture, 160 x 160"),
     ((160, 160), 0, "is black where it would count: nothing is left")],
)  # fmt: skip
def test_mask_that_does_not_fit_is_named_in_the_shell_and_over_rest(
    hueweave: Command,
    server: httpx.Client,
    fabric_index: Path,
    size: tuple[int, int],
    color: int,
    words: str,
) -> None:
    Image.new("L", size, color).save("mask.png")
    done = hueweave("query", *by_key("--mask", "mask.png"), "--index", fabric_index)
    is_one_error(done, f"terms[0].image.mask, part 'mask', {words}")
    files = {
        "query": json.dumps(edited(mask={"part": "mask"})).encode(),
        "mask": Path("mask.png").read_bytes(),
    }
    is_problem(server.post("/v1/search", files=files), words)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--query", "none.json"], "cannot read the query 'none.json'"),
        (["--query", "q.json", "-a", "color"], "--query says it all: leave out --attribute"),
        (["-t", BY_KEY, "--palette", "red"], "--term says it all: leave out --palette"),
        (["-t", "color"], "term 'color': expected ATTRIBUTE[:WEIGHT]=EXAMPLE"),
        (["-t", f"color:much=key:{KEY}"], "'much' is no number"),
        (["-t", "color=nowhere.jpg"], "no file at 'nowhere.jpg'"),
        (["--palette", "red 0"], "a share of 0 is not above 0"),
        (["--palette", "dark red wine"], "'dark red wine' is no color with a share"),
        (by_key("--region", "0,0,1"), "region '0,0,1': expected left,top,right,bottom"),
        (by_key("--mask", "nowhere.png"), "no file at 'nowhere.png'"),
        (by_key("--part", "a=b.jpg"), "--part names a picture of a JSON query"),
        (["--region", "0,0,1,1", "--palette", "red"], "say what counts of IMAGE or --key"),
        (by_key("--filter", '{"not":' * 100_000), "is not JSON: recursion limit exceeded"),
    ],
)
def test_flags_that_ask_nothing_are_one_line(
    hueweave: Command, fabric_index: Path, flags: list[str], words: str
) -> None:
    is_one_error(hueweave("query", *flags, "--index", fabric_index), words)


def test_cursor_of_another_index_or_query_is_refused(
    hueweave: Command, server: httpx.Client, fabric_index: Path, awkward: Path, tmp_path: Path
) -> None:
    done = hueweave("query", *by_key("-k", "2", "--json"), "--index", fabric_index)
    cursor = json.loads(done.out)["next_cursor"]
    other_query = ("--key", KEY, "-a", "texture", "--cursor", cursor)
    is_one_error(hueweave("query", *other_query, "--index", fabric_index), "is of another query")
    is_problem(
        server.post("/v1/search", json=options(cursor=cursor, min_score=0.5)), "of another query"
    )
    other = ("--index", tmp_path / "other", "--backbone", "efficientnet_lite0")
    assert hueweave("build", awkward, *other).code == 0
    is_one_error(
        hueweave("query", "--cursor", cursor, "--index", tmp_path / "other"), "is of another index"
    )
    assert server.post("/v1/search", json={"cursor": cursor, "limit": 2}).status_code == 200
