"""Facets of an index, against its items counted one by one."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.build import BuildOptions
from indexer.errors import FilterError
from indexer.filters import ALL, FilterLimits, parse_filter
from indexer.local import LocalStore
from models.colors import COLOR_NAMES, color_name, parse_color, to_lab
from models.errors import UnknownNameError
from service.facets import SWATCHES, Facets, FacetValue, count_facets
from tests.fakes import build_fake

RED = '{"column": "color", "eq": "red"}'


@pytest.fixture
def store(tmp_path: Path, pictures: Path) -> Iterator[LocalStore]:
    """Twenty pictures with a color (kept in memory), a price and a stock."""
    rows = [
        f"{at:03}.png,{('red', 'blue', '')[at % 3]},{at // 4 + 0.5},{at % 7}" for at in range(20)
    ]
    (pictures / "t.csv").write_text("path,color,price,stock\n" + "\n".join(rows))
    options = BuildOptions(indexed_columns=("color",))
    build_fake(tmp_path / "index", pictures / "t.csv", options=options)
    opened = LocalStore(tmp_path / "index")
    yield opened
    opened.close()


def test_everything_is_counted_by_the_columns_kept_in_memory(store: LocalStore) -> None:
    found = count_facets(store, ALL)
    assert found.count == 20
    (color,) = found.columns
    assert (color.column, color.type, color.others, color.missing) == ("color", "text", 0, 6)
    assert [(one.value, one.count) for one in color.values] == [("blue", 7), ("red", 7)]
    assert (color.min, color.max) == (None, None)


def test_a_filter_leaves_what_it_lets_pass(store: LocalStore) -> None:
    found = count_facets(store, parse_filter(RED), ["stock", "color", "price"])
    items = [item for item in store.items() if item.metadata["color"] == "red"]
    assert found.count == len(items) == 7
    stock, color, price = found.columns
    counts = Counter(item.metadata["stock"] for item in items)
    assert {one.value: one.count for one in stock.values} == counts
    assert color.values == [FacetValue(value="red", count=7)]
    prices = [item.metadata["price"] for item in items]
    assert (price.type, price.min, price.max) == ("number", min(prices), max(prices))


def test_colors_are_those_of_the_palettes_most_frequent_first(store: LocalStore) -> None:
    expected = Counter(
        name for item in store.items() for name in {one.name for one in item.palette or ()}
    )
    found = count_facets(store, ALL).colors
    assert {one.name: one.count for one in found} == expected
    assert [one.count for one in found] == sorted(expected.values(), reverse=True)
    name = found[0].name
    shown = count_facets(store, parse_filter(f'{{"shows": "{name}"}}'))
    assert shown.count == expected[name]
    assert shown.colors[0].count == shown.count


def test_values_past_the_limit_are_counted_together(store: LocalStore) -> None:
    (price,) = count_facets(store, ALL, ["price"], limit=2).columns
    assert [(one.value, one.count) for one in price.values] == [(0.5, 4), (1.5, 4)]
    assert (price.others, price.missing) == (12, 0)


def test_columns_are_counted_once_and_may_be_none(store: LocalStore) -> None:
    assert [one.column for one in count_facets(store, ALL, ["price", "price"]).columns] == ["price"]
    assert count_facets(store, ALL, []).columns == []


def test_what_does_not_fit_is_refused(store: LocalStore) -> None:
    with pytest.raises(UnknownNameError, match="column 'size': expected one of color, price, stoc"):
        count_facets(store, ALL, ["size"])
    with pytest.raises(UnknownNameError, match="column 'size': expected one of color, price, stoc"):
        count_facets(store, parse_filter('{"column": "size", "eq": 1}'))
    with pytest.raises(FilterError, match=r"filter\.eq is 'x', but column 'stock' is integer"):
        count_facets(store, parse_filter('{"column": "stock", "eq": "x"}'))
    with pytest.raises(FilterError, match="filter is nested 1 deep: expected at most 0"):
        count_facets(store, parse_filter('{"not": {}}'), limits=FilterLimits(max_depth=0))


def test_a_filter_that_lets_nothing_pass_leaves_empty_facets(store: LocalStore) -> None:
    found = count_facets(store, parse_filter('{"column": "stock", "gt": 99}'), ["stock"])
    assert (found.count, found.colors) == (0, [])
    assert (found.columns[0].values, found.columns[0].min) == ([], None)


def test_values_keep_their_types_as_json(store: LocalStore) -> None:
    found = count_facets(store, ALL, ["color", "price", "stock"])
    assert Facets.model_validate_json(found.model_dump_json()) == found
    kinds = [{type(one.value) for one in column.values} for column in found.columns]
    assert kinds == [{str}, {float}, {int}]


def test_swatches_are_seen_as_what_they_are_called() -> None:
    assert set(SWATCHES) == set(COLOR_NAMES)
    assert {name: color_name(to_lab(parse_color(one))) for name, one in SWATCHES.items()} == {
        name: name for name in SWATCHES
    }
