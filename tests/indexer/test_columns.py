"""Columns in memory answer as plain Python does, and follow the catalog as it grows."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest

from indexer.catalog import Catalog
from indexer.columns import Columns, Facet
from indexer.errors import CatalogError, FilterError
from indexer.filters import parse_filter
from indexer.sources import Metadata
from models.colors import COLOR_NAMES
from models.dominant import Dominant
from models.errors import UnknownNameError
from tests.indexer.contents import item, put
from tests.indexer.plain_filters import KINDS, held, meets, random_filter, random_metadata

RED, BLUE = '{"column": "color", "eq": "red"}', '{"column": "color", "eq": "blue"}'


def shows(names: set[str]) -> tuple[Dominant, ...]:
    return tuple(Dominant(0.5, "#000000", name) for name in sorted(names))  # type: ignore[arg-type]


def declare(catalog: Catalog, kinds: Mapping[str, str], indexed: Sequence[str] = ()) -> None:
    with catalog.transaction():
        catalog.put_columns(dict(kinds), indexed)


def put_rows(catalog: Catalog, *rows: Metadata, start: int = 0) -> None:
    put(catalog, *(item(f"{at}", at, metadata=row) for at, row in enumerate(rows, start)))


def relabel(catalog: Catalog, slot: int, metadata: Metadata) -> None:
    with catalog.transaction() as db:
        db.execute("UPDATE items SET metadata = ? WHERE slot = ?", (json.dumps(metadata), slot))


def found(columns: Columns, text: str, size: int) -> list[int]:
    return np.flatnonzero(columns.mask(parse_filter(text), size)).tolist()


def counted(columns: Columns, column: str, size: int, limit: int = 100) -> Facet:
    return columns.counts(column, np.ones(size, np.bool_), limit)


class CountingCatalog(Catalog):
    """Notes from which slot on metadata and palettes are read."""

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        super().__init__(path, writable=writable)
        self.read: list[int] = []

    def metadata_from(self, slot: int) -> Iterator[tuple[int, str]]:
        self.read.append(slot)
        return super().metadata_from(slot)

    def palettes_from(self, slot: int) -> list[tuple[int, str | None]]:
        self.read.append(slot)
        return super().palettes_from(slot)


@pytest.fixture
def counting(path: Path) -> Iterator[CountingCatalog]:
    """An empty catalog, open for writing, that counts how it is read."""
    opened = CountingCatalog(path, writable=True)
    yield opened
    opened.close()


@pytest.mark.parametrize("indexed", [(), tuple(KINDS), ("color", "price")])
@pytest.mark.parametrize("seed", range(3))
def test_random_filters_find_what_plain_python_finds(
    catalog: Catalog, indexed: tuple[str, ...], seed: int
) -> None:
    random = Random(seed)
    rows = [random_metadata(random) for _ in range(150)]
    shown = [set(random.sample(COLOR_NAMES, random.randrange(4))) for _ in rows]
    declare(catalog, KINDS, indexed)
    pairs = zip(rows, shown, strict=True)
    put(catalog, *(item(f"{at}", at, metadata=row, palette=shows(some))
                   for at, (row, some) in enumerate(pairs)))  # fmt: skip
    columns = Columns(catalog)
    hits = 0
    for _ in range(150):
        filter = random_filter(random)
        expected = [meets(filter, *one) for one in zip(rows, [KINDS] * 150, shown, strict=True)]
        assert columns.mask(parse_filter(json.dumps(filter)), 150).tolist() == expected, filter
        hits += 0 < sum(expected) < 150
    assert hits > 75


@pytest.mark.parametrize("indexed", [(), tuple(KINDS)])
@pytest.mark.parametrize("seed", range(3))
def test_random_facets_count_what_plain_python_counts(
    catalog: Catalog, indexed: tuple[str, ...], seed: int
) -> None:
    random = Random(seed)
    rows = [random_metadata(random) for _ in range(120)]
    declare(catalog, KINDS, indexed)
    put_rows(catalog, *rows)
    columns = Columns(catalog)
    selected = [random.random() < 0.7 for _ in rows]
    for limit in (1, 3, 1000):
        for name, kind in KINDS.items():
            given = [row.get(name) for row, yes in zip(rows, selected, strict=True) if yes]
            values = [held(kind, one) for one in given if held(kind, one) is not None]
            top = sorted(Counter(values).items(), key=lambda one: (-one[1], one[0]))[:limit]
            facet = columns.counts(name, np.array(selected), limit)
            assert (facet.column, facet.type, list(facet.values)) == (name, kind, top)
            missing = sum(one is None for one in given)
            others = len(given) - missing - sum(count for _, count in top)
            assert (facet.missing, facet.others) == (missing, others)
            ranged = kind in ("integer", "number")
            assert facet.min == (min(values) if ranged else None)
            assert facet.max == (max(values) if ranged else None)


def test_facet_values_have_the_types_of_json(catalog: Catalog) -> None:
    declare(catalog, KINDS)
    put_rows(catalog, {"color": "red", "stock": 3, "price": 2, "new": True})
    columns = Columns(catalog)
    for name, value in {"color": "red", "stock": 3, "price": 2.0, "new": True}.items():
        ((given, count),) = counted(columns, name, 1).values
        assert (given, type(given), count) == (value, type(value), 1)
    facet = counted(columns, "stock", 1)
    assert (type(facet.min), type(facet.max)) == (int, int)


def test_facet_of_nothing_is_empty(catalog: Catalog) -> None:
    declare(catalog, KINDS, ["color"])
    put_rows(catalog, {"color": "red"}, {})
    columns = Columns(catalog)
    for name, kind in KINDS.items():
        assert columns.counts(name, np.zeros(2, np.bool_), 5) == Facet(name, kind, (), 0, 0)
        assert columns.counts(name, np.zeros(0, np.bool_), 5) == Facet(name, kind, (), 0, 0)
    assert counted(columns, "stock", 2) == Facet("stock", "integer", (), 0, 2)


def test_equally_frequent_values_are_cut_by_value(catalog: Catalog) -> None:
    declare(catalog, {"n": "integer"}, ["n"])
    put_rows(catalog, *({"n": n} for n in [9, 4, 7, 7, 1, 8]))
    facet = counted(Columns(catalog), "n", 6, limit=3)
    assert facet == Facet("n", "integer", ((7, 2), (1, 1), (4, 1)), 2, 0, 1, 9)


def test_color_counts_are_of_items_that_show_each(catalog: Catalog) -> None:
    put(
        catalog,
        item("a", 0, palette=shows({"red", "blue"})),
        item("b", 1, palette=shows({"red"})),
        item("c", 3, palette=()),
        item("d", 4, palette=None),
        item("e", 5, palette=shows(set(COLOR_NAMES))),
    )
    columns = Columns(catalog)
    counts = columns.color_counts(np.array([1, 1, 0, 1, 1, 0], np.bool_))
    assert counts == dict.fromkeys(COLOR_NAMES, 0) | {"red": 2, "blue": 1}
    assert list(counts) == list(COLOR_NAMES)
    assert columns.color_counts(np.ones(6, np.bool_))["red"] == 3
    assert columns.color_counts(np.zeros(0, np.bool_))["red"] == 0
    assert found(columns, '{"shows": "red"}', 6) == [0, 1, 5]
    assert found(columns, '{"not": {"shows": "blue"}}', 5) == [1, 2, 3, 4]


def test_kept_columns_read_only_what_is_new(counting: CountingCatalog) -> None:
    declare(counting, {"color": "text", "n": "integer"}, ["color", "n"])
    put_rows(counting, {"color": "red"}, {"color": "blue", "n": 1})
    columns = Columns(counting)
    assert found(columns, RED, 2) == [0]
    assert found(columns, '{"column": "n", "gte": 1}', 2) == [1]
    assert found(columns, BLUE, 2) == [1]
    assert counting.read == [0]
    put_rows(counting, {"color": "red", "n": 5}, {}, {"color": "new"}, start=2)
    assert found(columns, RED, 5) == [0, 2]
    assert counted(columns, "n", 5).max == 5
    assert found(columns, '{"column": "color", "gte": "new", "lt": "s"}', 5) == [0, 2, 4]
    assert counting.read == [0, 2]
    assert found(columns, RED, 2) == [0]  # a view from before
    assert counted(columns, "color", 2).values == (("blue", 1), ("red", 1))


def test_colors_read_only_what_is_new(counting: CountingCatalog) -> None:
    put(counting, item("a", 0, palette=shows({"red"})))
    columns = Columns(counting)
    assert found(columns, '{"shows": "red"}', 1) == [0]
    put(counting, item("b", 3, palette=shows({"red"})))
    assert found(columns, '{"shows": "red"}', 4) == [0, 3]
    assert columns.color_counts(np.ones(4, np.bool_))["red"] == 2
    assert found(columns, '{"shows": "red"}', 1) == [0]
    assert counting.read == [0, 1]


def test_other_columns_are_read_each_time_and_once_a_filter(counting: CountingCatalog) -> None:
    declare(counting, {"color": "text", "n": "integer"})
    put_rows(counting, {"color": "red", "n": 1})
    columns = Columns(counting)
    both = f'{{"and": [{RED}, {{"column": "n", "eq": 1}}, {{"not": {BLUE}}}]}}'
    assert found(columns, both, 1) == [0]
    assert found(columns, RED, 1) == [0]
    assert counting.read == [0, 0]
    declare(counting, {"color": "text"}, ["color"])
    assert found(columns, RED, 1) == found(columns, RED, 1) == [0]
    assert counting.read == [0, 0, 0]


def test_a_replaced_item_is_answered_in_its_new_slot(catalog: Catalog) -> None:
    declare(catalog, {"color": "text"}, ["color"])
    put_rows(catalog, {"color": "red"}, {"color": "red"})
    columns = Columns(catalog)
    assert found(columns, RED, 2) == [0, 1]
    put(catalog, item("0", 2, version=2, metadata={"color": "blue"}))
    assert found(columns, BLUE, 3) == [2]


def test_slots_that_were_given_up_before_they_were_read_are_not_read_again(
    counting: CountingCatalog,
) -> None:
    declare(counting, {"color": "text"}, ["color"])
    put_rows(counting, {"color": "red"}, {"color": "red"})
    with counting.transaction() as db:
        db.execute("DELETE FROM items WHERE slot = 1")
    columns = Columns(counting)
    for _ in range(3):
        assert found(columns, RED, 2) == [0]
    assert counting.read == [0]


def test_relabelled_items_are_read_anew(counting: CountingCatalog) -> None:
    declare(counting, {"color": "text"}, ["color"])
    put_rows(counting, {"color": "red"}, {"color": "blue"})
    columns = Columns(counting)
    assert found(columns, RED, 2) == [0]
    relabel(counting, 1, {"color": "red"})
    assert found(columns, RED, 2) == [0, 1]
    assert counted(columns, "color", 2).values == (("red", 2),)
    assert counting.read == [0], "only the relabelled ones"


def test_a_new_type_is_another_column(catalog: Catalog) -> None:
    declare(catalog, {"n": "integer"}, ["n"])
    put_rows(catalog, {"n": 1}, {"n": 2.5}, {"n": "x"}, {"n": None}, {"n": True})
    columns = Columns(catalog)
    there = '{"column": "n", "exists": true}'
    assert found(columns, '{"column": "n", "gte": 0}', 5) == [0]
    assert found(columns, there, 5) == [0, 1, 2, 4]
    declare(catalog, {"n": "number"})
    assert found(columns, '{"column": "n", "gte": 0}', 5) == [0, 1]
    declare(catalog, {"n": "text"})
    with pytest.raises(FilterError, match=r"filter\.gte is 0, but column 'n' is text"):
        found(columns, '{"column": "n", "gte": 0}', 5)
    assert found(columns, '{"column": "n", "in": ["2.5", "x", "true"]}', 5) == [1, 2, 4]
    assert found(columns, there, 5) == [0, 1, 2, 4]
    declare(catalog, {"n": "boolean"})
    assert found(columns, '{"column": "n", "eq": true}', 5) == [4]
    facet = counted(columns, "n", 5)
    assert (facet.values, facet.others, facet.missing) == (((True, 1),), 3, 1)


def test_numbers_keep_every_digit(catalog: Catalog) -> None:
    declare(catalog, {"big": "integer", "fine": "number", "code": "text"})
    fine = 0.1234567890123456
    put_rows(catalog, {"big": 2**63 - 1, "fine": fine, "code": 2**70}, {"big": 2**63 - 2})
    columns = Columns(catalog)
    assert found(columns, json.dumps({"column": "big", "eq": 2**63 - 1}), 2) == [0]
    assert found(columns, json.dumps({"column": "big", "lt": 2**63 - 1}), 2) == [1]
    assert found(columns, json.dumps({"column": "fine", "eq": fine}), 2) == [0]
    assert found(columns, json.dumps({"column": "code", "eq": str(2**70)}), 2) == [0]


@pytest.mark.parametrize(
    ("bound", "slots"),
    [
        ('"gte": 7.5', [3]),
        ('"gt": 6.5', [2, 3]),
        ('"lt": -7.5', [0]),
        ('"lte": -6.5', [0, 1]),
        ('"gt": -7.5, "lte": 7.5', [1, 2]),
    ],
)
def test_a_bound_may_lie_between_whole_numbers(
    catalog: Catalog, bound: str, slots: list[int]
) -> None:
    declare(catalog, {"stock": "integer"})
    put_rows(catalog, *({"stock": value} for value in (-8, -7, 7, 8)))
    assert found(Columns(catalog), f'{{"column": "stock", {bound}}}', 4) == slots


@pytest.mark.parametrize("name", ["price", 'say "x"', "it's", "größe", "色", "a.b", "a[0]", "b\\s"])
def test_a_column_may_have_any_name(catalog: Catalog, name: str) -> None:
    declare(catalog, {name: "integer"}, [name])
    put_rows(catalog, {name: 7}, {name: 8, name.upper() + "x": 7})
    text = json.dumps({"column": name, "eq": 7})
    assert found(Columns(catalog), text, 2) == [0]


def test_unknown_columns_are_refused(catalog: Catalog) -> None:
    declare(catalog, {"color": "text"})
    columns = Columns(catalog)
    with pytest.raises(UnknownNameError, match="unknown metadata column 'size': expected one of"):
        found(columns, '{"column": "size", "eq": 1}', 0)
    with pytest.raises(UnknownNameError, match="metadata column 'size': expected one of color"):
        counted(columns, "size", 0)


def test_damaged_metadata_and_palettes_are_named_by_their_slot(catalog: Catalog) -> None:
    declare(catalog, {"color": "text"})
    put(catalog, item("a", 0, palette=shows({"red"})))
    for text in ('{"color":', "[1]"):
        with catalog.transaction() as db:
            db.execute("UPDATE items SET metadata = ?, palette = ?", (text, text))
        for asked in (RED, '{"shows": "red"}'):
            with pytest.raises(CatalogError, match="the item in slot 0 is damaged"):
                found(Columns(catalog), asked, 1)


def test_many_threads_ask_while_the_catalog_grows(catalog: Catalog, path: Path) -> None:
    declare(catalog, {"n": "integer", "t": "text"}, ["n", "t"])
    put_rows(catalog, {"n": 0, "t": "0"})
    reader = Catalog(path)
    columns = Columns(reader)
    wrong: list[object] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            size = reader.next_slot()
            for text in ('{"column": "n", "gte": 0}', '{"column": "t", "gte": "0"}'):
                if found(columns, text, size) != list(range(size)):
                    wrong.append((text, size))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for at in range(1, 60):
            put_rows(catalog, {"n": at, "t": str(at)}, start=at)
            if at % 10 == 0:
                relabel(catalog, 0, {"n": at, "t": str(at)})
    finally:
        done.set()
        for thread in threads:
            thread.join()
        reader.close()
    assert wrong == []
