"""What composed queries and palettes find on the sample catalog, with real weights."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from api.main import run
from benchmarks.composition import both, other_color
from service.fabrics import write_catalog
from service.opening import Opened, open_index
from service.query import Query
from service.settings import load_settings

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """The sample catalog as `hueweave sample` makes it, 400 fabrics, with the packaged network."""
    folder = tmp_path_factory.mktemp("sample")
    labels = write_catalog(folder / "fabrics")
    index = str(folder / "index")
    assert run(["build", str(labels), "--index", index, "--backbone", "efficientnet_lite0"]) == 0
    opened = open_index(load_settings(index=index))
    yield opened
    opened.close()


def test_color_of_one_in_the_texture_of_another_comes_first(sample: Opened) -> None:
    items = list(sample.store.items())
    chosen = np.random.default_rng(0).choice(len(items), (200, 2)).tolist()
    assert both(sample.searcher, [(items[a], items[b]) for a, b in chosen]) >= 0.9


def test_same_texture_in_another_color_keeps_the_one_and_changes_the_other(sample: Opened) -> None:
    items = list(sample.store.items())
    kept, changed, done = other_color(sample.searcher, items[::4])
    assert min(kept, changed, done) >= 0.9


def test_palette_of_two_colors_puts_pictures_with_both_above_those_with_one(
    tmp_path: Path,
) -> None:
    colors = {
        "red": (190, 30, 40),
        "blue": (35, 70, 150),
        "green": (40, 120, 60),
        "yellow": (235, 200, 60),
        "purple": (95, 55, 120),
        "pink": (230, 140, 165),
    }
    names = list(colors)
    for at, first in enumerate(names):
        for second in names[at:]:
            _draw(tmp_path / "pictures" / f"{first}-{second}.png", colors[first], colors[second])
    index = str(tmp_path / "index")
    source = str(tmp_path / "pictures")
    assert run(["build", source, "--index", index, "--backbone", "efficientnet_lite0"]) == 0
    opened = open_index(load_settings(index=index))
    right = asked = 0
    for at, first in enumerate(names):
        for second in names[at + 1 :]:
            palette = [{"hex": _hex(colors[first])}, {"hex": _hex(colors[second])}]
            query = {"terms": [{"attribute": "color", "palette": palette}], "limit": 3}
            best = opened.searcher.answer(Query.model_validate(query), {}).hits[0]
            right, asked = right + (best.key == f"{first}-{second}.png"), asked + 1
    opened.close()
    assert asked == 15
    assert right == asked


def _draw(path: Path, first: tuple[int, int, int], second: tuple[int, int, int]) -> None:
    """Draw a product of two colors, one above the other, on white."""
    path.parent.mkdir(exist_ok=True)
    image = Image.new("RGB", (240, 300), "white")
    image.paste(first, (40, 30, 200, 150))
    image.paste(second, (40, 150, 200, 270))
    image.save(path)


def _hex(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
