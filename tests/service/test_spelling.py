"""Terms, palettes, regions and JSON as a person writes them in a shell."""

from pathlib import Path

import pytest

from service.errors import QueryError
from service.query import ImageExample, Query, Region, Swatch, Term
from service.spelling import read_palette, read_query, read_region, read_terms


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("color=key:a.jpg", Term(attribute="color", image=ImageExample(key="a.jpg"))),
        ("color:0.7=key:a", Term(attribute="color", weight=0.7, image=ImageExample(key="a"))),
        ("color:-2=key:a", Term(attribute="color", weight=-2.0, image=ImageExample(key="a"))),
        (" color : 2 =key:a", Term(attribute="color", weight=2.0, image=ImageExample(key="a"))),
        ("3=key:a=b:c", Term(block=3, image=ImageExample(key="a=b:c"))),
        ("color=palette:navy", Term(attribute="color", palette=[Swatch(name="navy", weight=1.0)])),
    ],
)
def test_term_is_read(text: str, term: Term) -> None:
    assert read_terms([text]) == ([term], {})


def test_pictures_are_parts_of_their_own_files() -> None:
    terms, files = read_terms(["color=a.jpg", "texture=key:k", "2:0.5=/b c/x=y:z.jpg"])
    parts = [one.images[0].part for one in terms]
    assert parts[1] is None
    assert len({parts[0], parts[2]}) == 2
    assert [files[part] for part in (parts[0], parts[2]) if part] == [
        Path("a.jpg"), Path("/b c/x=y:z.jpg"),
    ]  # fmt: skip
    assert len(files) == 2


@pytest.mark.parametrize("text", ["", "color", "color=", "=a.jpg", ":0.5=a.jpg", " =a", "a.jpg"])
def test_what_is_no_term_is_named_with_what_would_be(text: str) -> None:
    with pytest.raises(QueryError, match=rf"term '{text}': expected ATTRIBUTE\[:WEIGHT\]=EXAMPLE"):
        read_terms([text])


@pytest.mark.parametrize("weight", ["", "x", "nan", "inf", "-inf", "1e999", "1:2", "0,7"])
def test_weight_that_is_no_number_is_named(weight: str) -> None:
    with pytest.raises(QueryError, match=f"'color:{weight}=a': '{weight}' is no number"):
        read_terms([f"color:{weight}=a"])


@pytest.mark.parametrize("text", ["9=a.jpg", "0=a.jpg", "color:1e7=a.jpg"])
def test_term_that_no_query_may_have_is_named(text: str) -> None:
    with pytest.raises(QueryError, match=f"term '{text}': input should be .* than or equal to"):
        read_terms([text])


def test_long_term_is_cut_in_its_error() -> None:
    with pytest.raises(QueryError) as caught:
        read_terms(["x" * 5000])
    assert len(str(caught.value)) < 400


# --- palettes ---------------------------------------------------------------------------------


def test_palette_has_hexes_names_and_any_with_their_shares() -> None:
    assert read_palette("#7a1f2b 60, ivory 30,any  10%") == [
        Swatch(hex="#7a1f2b", weight=60.0),
        Swatch(name="ivory", weight=30.0),
        Swatch(any=10.0),
    ]


def test_shares_may_be_left_out() -> None:
    assert [one.share for one in read_palette("red, #fff , ANY")] == [1, 1, 1]
    assert [one.any for one in read_palette("red, #fff , ANY")] == [None, None, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "palette '': '' is no color with a share"),
        ("red,", "'' is no color with a share"),
        ("red,,blue", "'' is no color with a share"),
        ("light blue 30", "'light blue 30' is no color with a share: expected such as '#7a1f2b 60"),
        ("red 0", "a share of 0 is not above 0"),
        ("red -5", "a share of -5 is not above 0"),
        ("any 0%", "a share of 0% is not above 0"),
        ("red much", "'red much': 'much' is no number"),
        ("red nan", "'nan' is no number"),
        ("red inf", "'inf' is no number"),
    ],
)
def test_what_is_no_palette_is_named(text: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        read_palette(text)


@pytest.mark.parametrize("text", ["red 1e9", "any 1e9"])
def test_share_past_all_bounds_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="less than or equal to 1000000"):
        read_palette(text)


# --- regions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unit", "box"),
    [
        ("0.2,0.1,0.8,0.9", "fraction", (0.2, 0.1, 0.8, 0.9)),
        (" 0 , 0 , 1 , 1 ", "fraction", (0, 0, 1, 1)),
        ("40,20,160,180px", "pixel", (40, 20, 160, 180)),
        ("40, 20, 160, 180 px", "pixel", (40, 20, 160, 180)),
    ],
)
def test_region_is_in_fractions_or_in_pixels(
    text: str, unit: str, box: tuple[float, float, float, float]
) -> None:
    found: Region = read_region(text)
    assert (found.unit, found.box) == (unit, box)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "region '': expected left,top,right,bottom"),
        ("1,2,3", "expected left,top,right,bottom in fractions such as"),
        ("1,2,3,4,5", "in pixels such as 40,20,160,180px"),
        ("a,2,3,4", "'a,2,3,4': 'a' is no number"),
        ("1px,2px,3px,4px", "'1px' is no number"),
        ("0,0,nan,1", "'nan' is no number"),
        ("0,0,inf,1", "'inf' is no number"),
    ],
)
def test_what_is_no_region_is_named(text: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        read_region(text)


# --- JSON -------------------------------------------------------------------------------------


def test_query_is_read_from_json() -> None:
    text = '{"terms": [{"block": 2, "image": {"key": "a"}}], "limit": 3}'
    assert read_query(text) == read_query(text.encode())
    assert read_query(text) == Query(terms=[Term(block=2, image=ImageExample(key="a"))], limit=3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the query is not JSON: "),
        ("{", "the query is not JSON: "),
        ("[" * 100_000, "the query is not JSON: "),
        (b"\xff{}", "the query is not JSON: "),
        ("[]", "should be an object"),
        ('{"terms": [{"block": 2, "image": {}}]}', r"terms\[0\].image: an image needs exactly one"),
        (
            '{"limit": true, "cursor": "x"}',
            r"limit: Input should be a valid integer \(got 'True'\)",
        ),
    ],
)
def test_what_is_no_query_is_named_with_its_place(text: str | bytes, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        read_query(text)
