"""Colors: read, written and named as people do."""

import numpy as np
import pytest
from PIL import ImageColor

from models.colors import COLOR_NAMES, color_name, format_color, parse_color, to_lab
from models.errors import ColorError


@pytest.mark.parametrize(
    ("text", "rgb"),
    [
        ("#7a1f2b", (122, 31, 43)),
        ("#7A1F2B", (122, 31, 43)),
        ("#abc", (170, 187, 204)),
        ("teal", (0, 128, 128)),
        ("RebeccaPurple", (102, 51, 153)),
    ],
)
def test_hex_and_css_names_are_read_in_any_case(text: str, rgb: tuple[int, int, int]) -> None:
    assert parse_color(text) == rgb


@pytest.mark.parametrize(
    "text",
    ["", "#", "#ab", "#abcd", "#7a1f2", "#7a1f2b80", "7a1f2b", "#7a1f2g", "#7a1f2b\n", " red",
     "reddish", "transparent", "rgb(1, 2, 3)", "hsl(0, 100%, 50%)", "rgba(1, 2, 3, 4)",
     "hsv(0, 1%, 1%)", "#\uff17a1f2b", "\uff32ed"],
)  # fmt: skip
def test_any_other_text_is_refused_by_name(text: str) -> None:
    with pytest.raises(ColorError, match="expected a hex value such as #7a1f2b or #abc") as raised:
        parse_color(text)
    assert repr(text) in str(raised.value)


def test_long_text_is_cut_in_the_error() -> None:
    with pytest.raises(ColorError) as raised:
        parse_color("#" * 100_000)
    assert len(str(raised.value)) < 300


def test_every_color_is_written_as_it_is_read() -> None:
    for rgb in np.random.default_rng(0).integers(0, 256, (200, 3)).tolist():
        assert parse_color(format_color(rgb)) == tuple(rgb)
    assert format_color((0.4, 254.6, 300.0)) == "#00ffff"


def test_white_and_black_are_the_ends_of_lab() -> None:
    lab = to_lab(np.array([[0, 0, 0], [255, 255, 255]], np.uint8))
    np.testing.assert_allclose(lab, [[0, 0, 0], [1, 0, 0]], atol=1e-3)


# --- names -------------------------------------------------------------------------------------


def named(text: str) -> str:
    return color_name(to_lab(parse_color(text)))


@pytest.mark.parametrize("name", [name for name in COLOR_NAMES if name not in ("brown", "beige")])
def test_a_basic_color_of_css_has_its_own_name(name: str) -> None:
    assert named(name) == name


def test_a_dark_light_or_deep_color_of_css_has_the_name_of_the_color() -> None:
    shades = {
        f"{how}{name}": name
        for how in ("dark", "light", "medium", "deep", "pale", "dim")
        for name in COLOR_NAMES
        if f"{how}{name}" in ImageColor.colormap
    }
    assert len(shades) > 12
    assert {shade: named(shade) for shade in shades} == shades


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("black", ["#1b1b1e", "#222222", "#14141e", "#200808"]),
        ("white", ["#fafafa", "#f4f4f2", "snow"]),
        ("grey", ["silver", "slategrey", "#e0e0e0", "#555555"]),
        ("red", ["darkred", "maroon", "crimson", "#7a1f2b"]),
        ("orange", ["darkorange", "#e06500"]),
        ("yellow", ["gold", "goldenrod"]),
        ("green", ["darkolivegreen", "olive", "mediumseagreen", "teal"]),
        ("blue", ["navy", "skyblue", "royalblue", "aqua", "#3b5b8c"]),
        ("purple", ["indigo", "blueviolet", "mediumpurple", "#c3b3d1"]),
        ("pink", ["hotpink", "deeppink", "lightpink", "mistyrose"]),
        ("brown", ["saddlebrown", "sienna", "chocolate", "#4b3621", "#704426"]),
        ("beige", ["beige", "tan", "wheat", "#c3b091"]),
    ],
)
def test_typical_shades_have_the_name_that_people_give_them(name: str, texts: list[str]) -> None:
    assert {text: named(text) for text in texts} == dict.fromkeys(texts, name)


def test_greys_get_lighter_from_black_to_white_without_a_hue() -> None:
    names = [color_name(to_lab((level,) * 3)) for level in range(256)]
    assert list(dict.fromkeys(names)) == ["black", "grey", "white"]


def test_every_color_has_a_name_and_every_name_a_color() -> None:
    steps = np.arange(0, 256, 15)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    assert {color_name(lab) for lab in to_lab(grid)} == set(COLOR_NAMES)
