"""Metadata columns and color names in memory: what filters are evaluated and values counted on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from indexer.catalog import Catalog
from indexer.column_values import Column, Mask, empty_column, extended
from indexer.errors import CatalogError
from indexer.evaluation import COLOR_BITS, Bits, evaluate
from indexer.filter_form import Condition, Filter, Scalar, Shows, parts
from indexer.filters import check_fit
from indexer.tables import Value
from models.errors import UnknownNameError, shorten

Json = TypeVar("Json", dict[str, Value], list[dict[str, str]])
_NO_COLORS: Bits = np.zeros(0, np.uint16)
_Declared = Mapping[str, tuple[str, bool]]


@dataclass(frozen=True)
class Facet:
    """How often a column has each value, most frequent first and equally frequent ones by value.

    ``others`` items have a value that is not listed, ``missing`` ones have none. ``min`` and
    ``max`` are those of an integer or number column, None if it has no values.
    """

    column: str
    type: str
    values: tuple[tuple[Scalar, int], ...]
    others: int
    missing: int
    min: int | float | None = None
    max: int | float | None = None


@dataclass(frozen=True)
class _Table:
    """Columns by name, with all slots below ``end``, as they were at a ``change``."""

    types: Mapping[str, str] = field(default_factory=dict)
    change: int = 0
    end: int = 0
    columns: Mapping[str, Column] = field(default_factory=dict)


class Columns:
    """Answers filters and counts values. Any thread may ask.

    Columns declared to be indexed, and the names of colors, are kept and grow with the catalog: a
    slot is never used twice, and items that were relabelled are read again. Other columns are read
    each time.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = Lock()
        self._kept = _Table()
        self._bits = _NO_COLORS

    def mask(self, filter: Filter, size: int) -> Mask:
        """Return (size,) which of slots 0 to size - 1 ``filter`` lets pass; of a slot that holds
        no item it says nothing.

        Raises UnknownNameError or FilterError if the filter does not fit the columns.
        """
        declared = self._catalog.columns()
        check_fit(filter, {name: kind for name, (kind, _) in declared.items()})
        found = parts(filter)
        names = {one.column for one in found if isinstance(one, Condition)}
        colors = any(isinstance(one, Shows) for one in found)
        columns = self._columns(declared, names, size)
        return evaluate(filter, columns, self._colors(size) if colors else _NO_COLORS, size)

    def counts(self, column: str, mask: Mask, limit: int) -> Facet:
        """Return how often ``column`` has each value at the slots that (n,) ``mask`` has.

        No more than ``limit`` values are listed. Raises UnknownNameError.
        """
        declared = self._catalog.columns()
        if column not in declared:
            raise UnknownNameError("metadata column", column, declared)
        kind, size = declared[column][0], len(mask)
        found = self._columns(declared, [column], size)[column]
        # A column may have grown past the mask.
        selected = extended(mask, len(found.exists))
        values, counts = found.count(selected)
        top = _most_frequent(counts, limit)
        there = int(np.count_nonzero(found.exists & selected))
        ends = values[[0, -1]].tolist() if len(values) and kind in ("integer", "number") else ()
        return Facet(
            column,
            kind,
            tuple(zip(values[top].tolist(), counts[top].tolist(), strict=True)),
            others=there - int(counts[top].sum()),
            missing=int(np.count_nonzero(mask)) - there,
            **dict(zip(("min", "max"), ends, strict=False)),
        )

    def color_counts(self, mask: Mask) -> dict[str, int]:
        """Return how many of the items at the slots that (n,) ``mask`` has show each basic color;
        an item shows several."""
        bits = self._colors(len(mask))[: len(mask)][mask]
        sets = np.bincount(bits, minlength=1 << len(COLOR_BITS))
        each = np.arange(len(sets))
        return {name: int(sets[(each & bit) != 0].sum()) for name, bit in COLOR_BITS.items()}

    def _columns(self, declared: _Declared, names: Iterable[str], size: int) -> dict[str, Column]:
        """Return these columns, with at least ``size`` slots each."""
        names = set(names)
        kept = {name: kind for name, (kind, indexed) in declared.items() if indexed}
        found = dict(self._kept_columns(kept, size)) if names & set(kept) else {}
        if others := {name: declared[name][0] for name in names - set(kept)}:
            found |= self._grown(_empty(others), size).columns
        return found

    def _kept_columns(self, types: Mapping[str, str], size: int) -> Mapping[str, Column]:
        kept, change = self._kept, self._catalog.last_change()
        if kept.types != types or kept.change < change or kept.end < size:
            with self._lock:
                kept = self._kept  # another thread may just have done it
                if kept.types != types:
                    kept = _empty(types, change)
                kept = self._corrected(kept, change)
                self._kept = kept = self._grown(kept, size)
        return kept.columns

    def _corrected(self, table: _Table, change: int) -> _Table:
        """Return ``table`` with what items were relabelled to since, up to ``change`` at least."""
        if table.change >= change:
            return table
        slots = self._catalog.relabelled_since(table.change)
        if slots is None:  # too many to be remembered
            return _empty(table.types, change)
        known = [slot for slot in slots if slot < table.end]
        corrected = replace(table, change=change)
        return self._with(corrected, self._catalog.metadata_in(known), table.end)

    def _grown(self, table: _Table, size: int) -> _Table:
        """Return ``table`` with what the catalog has from its end on, in one statement."""
        if table.end >= size:
            return table
        return self._with(table, self._catalog.metadata_from(table.end), size)

    def _with(self, table: _Table, rows: Iterable[tuple[int, str]], size: int) -> _Table:
        slots: list[int] = []
        values: dict[str, list[Value]] = {name: [] for name in table.columns}
        for slot, metadata in rows:
            row = _parsed(metadata, slot, dict)
            slots.append(slot)
            for name, some in values.items():
                some.append(row.get(name))
        end = max(size, max(slots, default=-1) + 1)
        columns = {
            name: column.grown(np.array(slots, np.int64), values[name], end)
            for name, column in table.columns.items()
        }
        return replace(table, end=end, columns=columns)

    def _colors(self, size: int) -> Bits:
        """Return the colors of at least ``size`` slots."""
        if len(self._bits) < size:
            with self._lock:
                start = len(self._bits)
                found = self._catalog.palettes_from(start) if start < size else []
                bits = extended(self._bits, max(size, *(slot + 1 for slot, _ in found), 0))
                for slot, palette in found:
                    bits[slot] = _color_set(palette, slot) if palette else 0
                self._bits = bits
        return self._bits


def _empty(types: Mapping[str, str], change: int = 0) -> _Table:
    return _Table(types, change, 0, {name: empty_column(kind) for name, kind in types.items()})


def _color_set(palette: str, slot: int) -> int:
    try:
        names = {color["name"] for color in _parsed(palette, slot, list)}
        return sum(COLOR_BITS[name] for name in names)
    except (KeyError, TypeError) as error:
        raise CatalogError(
            f"the item in slot {slot} is damaged: its palette is {shorten(palette)!r}"
        ) from error


def _parsed(text: str, slot: int, kind: type[Json]) -> Json:
    """Return what ``text`` is the JSON of; raises CatalogError unless it is of ``kind``."""
    # Not by SQLite's own functions: to them true is 1, and an integer of 20 digits no integer.
    try:
        found = from_json(text)
    except ValueError as error:
        raise CatalogError(f"the item in slot {slot} is damaged: {error}") from error
    if not isinstance(found, kind):
        raise CatalogError(f"the item in slot {slot} is damaged: {shorten(text)!r}")
    return found


def _most_frequent(counts: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """Return the places of the ``limit`` largest counts, falling; equal ones rise."""
    # One number to sort by, and only as many of them as are asked for.
    order = np.arange(len(counts)) - counts * len(counts)
    if limit < len(order):
        first = np.argpartition(order, limit)[:limit]
        return first[np.argsort(order[first])]
    return np.argsort(order)
