"""The report: what stands in it, and that it needs nothing but itself."""

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from api.main import run
from service.evaluation.report import one_a_class
from tests.fakes import build_fake

# Attributes that make a browser fetch what they name, or lead away.
_FETCHING = {"src", "srcset", "href", "xlink:href", "action", "formaction", "poster", "data",
             "background", "cite", "manifest", "ping", "xmlns", "xmlns:xlink"}  # fmt: skip


class Page(HTMLParser):
    """Counts tags; gathers ids, what attributes refer to, and all that CSS is in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.references: list[tuple[str, str]] = []
        self.styles: list[str] = []
        self.unnamed: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self._inside = tag
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        self.references += [(tag, given[name]) for name in given.keys() & _FETCHING]
        # In SVG, fill, clip-path and others take url() too.
        self.styles += [value for name, value in given.items() if name not in _FETCHING]
        if given.get("role") == "img" and not given.get("aria-label"):
            self.unnamed.append(tag)

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.styles.append(data)


@pytest.fixture
def written(labelled_pictures: Path, tmp_path: Path) -> str:
    index, page = tmp_path / "index", tmp_path / "report.html"
    build_fake(index, labelled_pictures)
    assert run(["evaluate", "--index", str(index), "--report", str(page)]) == 0
    return page.read_text(encoding="utf-8")


def test_page_refers_to_nothing_outside_itself(written: str) -> None:
    page = Page(written)
    assert page.references
    for tag, value in page.references:
        assert value.startswith("#") or (tag == "image" and value.startswith("data:image/webp;"))
    assert {value[1:] for _, value in page.references if value.startswith("#")} <= set(page.ids)
    styles = "\n".join(page.styles)
    assert "@media" in styles
    assert "@import" not in styles
    assert [one for one in re.findall(r"url\(\s*(.)", styles) if one != "#"] == []
    assert not page.tags.keys() & {"script", "link", "iframe", "object", "embed", "base"}
    for word in ("http:", "https:", "//", "fetch(", "XMLHttpRequest"):
        assert word not in re.sub(r"base64,[\w+/=]*", "", written)


def test_every_part_stands_in_it_for_each_column(written: str) -> None:
    page = Page(written)
    for title in (
        "Accuracy by block",
        "Maps",
        "Classes, ",
        "What is found<",
        "What is found worst",
    ):
        assert written.count(f"<h3>{title}") == 2
    # Four maps a column.
    assert written.count('class="map"') == 8
    assert written.count("5-NN accuracy of tone by block") == 1
    # A row a class, and the worst.
    assert written.count('<div class="row">') == 2 * (2 + 12)
    assert page.unnamed == []


def test_every_map_has_thumbnails_and_each_picture_is_in_the_page_once(written: str) -> None:
    found = re.findall(r'<svg class="map".*?</svg>', written, re.DOTALL)
    for one in found:
        assert one.count("<use ") == one.count("<title>") > 1
    data = re.findall(r"data:image/webp;base64,[\w+/=]+", written)
    assert 1 < len(data) == len(set(data)) <= 24
    assert written.count("<use ") > 3 * len(data)


def test_the_same_measurement_gives_the_same_page(
    written: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = tmp_path / "again.html"
    assert run(["evaluate", "--index", str(tmp_path / "index"), "--report", str(again)]) == 0
    assert again.read_text(encoding="utf-8") == written
    assert f"report: {again}" in capsys.readouterr().err


def test_labels_in_any_script_stay_text(
    labelled_pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index, page = tmp_path / "index", tmp_path / "report.html"
    build_fake(index, labelled_pictures)
    rows = "".join(f"{at:02}.png,{'赤' if at % 2 else 'أزرق'}\n" for at in range(9))
    (tmp_path / "l.csv").write_text(f"path,色\n{rows}", encoding="utf-8")
    given = ["--index", str(index), "--labels", str(tmp_path / "l.csv"), "--report", str(page)]
    assert run(["evaluate", *given]) == 0
    text = page.read_text(encoding="utf-8")
    assert re.search(r"<text [^>]*>赤 \(4\)</text>", text)
    assert "A map wants at least 10 pictures, and 9 are labelled." in text
    assert "Glyph" not in capsys.readouterr().err


def test_of_many_classes_the_largest_are_shown_and_one_that_asks_nothing_is_not() -> None:
    codes = np.repeat(np.arange(20), [2] * 8 + [3] * 12).astype(np.int32)
    shown = one_a_class(codes, np.arange(len(codes)), 0)
    assert codes[shown].tolist() == list(range(8, 20))
    few = one_a_class(codes, np.flatnonzero(codes > 17), 0)
    assert codes[few].tolist() == [18, 19]
