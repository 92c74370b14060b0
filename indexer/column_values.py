"""A metadata column in memory: its values as an array by slot, compared and counted at once."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.filter_form import Scalar
from indexer.spaces import Slots
from indexer.tables import Value

Mask = NDArray[np.bool_]
"""One truth value a slot."""
Counted = tuple[NDArray[Any], NDArray[np.int64]]
"""Distinct values, rising, and how often there is each."""
_DTYPES: dict[str, Any] = {"integer": np.int64, "number": np.float64, "boolean": np.bool_}
_INT64 = np.iinfo(np.int64)


class Column(Protocol):
    """The values of one column at slots 0 to n - 1. Immutable."""

    @property
    def exists(self) -> Mask:
        """(n,) where there is a value at all."""
        ...

    def grown(self, slots: Slots, values: Sequence[Value], size: int) -> "Column":
        """Return the column with ``size`` slots and these values at ``slots``, old or new."""
        ...

    def equals(self, values: Sequence[Scalar]) -> Mask:
        """Return (n,) where the value is one of these."""
        ...

    def within(self, bounds: Mapping[str, Scalar]) -> Mask:
        """Return (n,) where the value meets all bounds: gt, gte, lt, lte."""
        ...

    def count(self, mask: Mask) -> Counted:
        """Return the values at the slots that (n,) ``mask`` has, and how often there is each."""
        ...


def empty_column(kind: str) -> Column:
    """Return a column without slots: text, integer, number or boolean."""
    nothing = np.zeros(0, np.bool_)
    if kind == "text":
        return TextColumn(np.zeros(0, np.int32), ())
    return NumberColumn(kind, np.zeros(0, _DTYPES[kind]), nothing, nothing)


@dataclass(frozen=True)
class NumberColumn:
    """Integers, numbers or booleans. ``fits`` is where the value is one of the column's type.

    What does not fit, such as text from before the column had its type, exists and meets no
    comparison.
    """

    kind: str
    values: NDArray[Any]
    fits: Mask
    exists: Mask

    def grown(self, slots: Slots, values: Sequence[Value], size: int) -> "NumberColumn":
        """See ``Column``."""
        read = [_number(self.kind, value) for value in values]
        fits = np.array([one is not None for one in read], np.bool_)
        new = np.array([one or 0 for one in read], self.values.dtype)
        exists = np.array([value is not None for value in values], np.bool_)
        return NumberColumn(
            self.kind,
            _with(self.values, size, slots, new),
            _with(self.fits, size, slots, fits),
            _with(self.exists, size, slots, exists),
        )

    def equals(self, values: Sequence[Scalar]) -> Mask:
        """See ``Column``."""
        held = ((value, _number(self.kind, value)) for value in values)
        # What the array cannot hold to the last digit is not in it.
        exact = [found for value, found in held if found is not None and found == value]
        wanted = np.array(exact, self.values.dtype)
        one = len(wanted) == 1
        found: Mask = self.values == wanted[0] if one else np.isin(self.values, wanted)
        return found & self.fits

    def within(self, bounds: Mapping[str, Scalar]) -> Mask:
        """See ``Column``."""
        met = self.fits
        for name, value in bounds.items():
            met = met & self._meets(name, value)
        return met

    def _meets(self, name: str, value: Any) -> Mask:
        """Compare as Python does: exactly, however large the integer."""
        nearest = self._nearest(value)
        # Next to a value that the array cannot hold, equality decides nothing.
        above = nearest > value or (nearest == value and name in ("gte", "lt"))
        if name in ("gt", "gte"):
            found = self.values >= nearest if above else self.values > nearest
        else:
            found = self.values < nearest if above else self.values <= nearest
        return np.asarray(found, np.bool_)

    def _nearest(self, value: int | float) -> Any:
        if self.kind == "integer":
            return min(max(int(value), _INT64.min), _INT64.max)
        try:
            return float(value)
        except OverflowError:
            return inf if value > 0 else -inf

    def count(self, mask: Mask) -> Counted:
        """See ``Column``."""
        return np.unique(self.values[mask & self.fits], return_counts=True)


@dataclass(frozen=True)
class TextColumn:
    """Text, as (n,) int32 ``codes`` into distinct ``words``; -1 is a missing value.

    A value that is no text counts as the JSON it is written in.
    """

    codes: NDArray[np.int32]
    words: tuple[str, ...]

    @cached_property
    def exists(self) -> Mask:
        """See ``Column``."""
        return self.codes >= 0

    @cached_property
    def _code_of(self) -> dict[str, int]:
        return {word: code for code, word in enumerate(self.words)}

    @cached_property
    def _sorted(self) -> tuple[NDArray[Any], NDArray[np.int32]]:
        """The words, rising, and (n,) the place of each slot's word among them or -1."""
        order = sorted(range(len(self.words)), key=self.words.__getitem__)
        places = np.full(len(order) + 1, -1, np.int32)  # the last stands for code -1
        places[order] = np.arange(len(order), dtype=np.int32)
        return np.array(self.words, object)[order], places[self.codes]

    def grown(self, slots: Slots, values: Sequence[Value], size: int) -> "TextColumn":
        """See ``Column``."""
        code_of = dict(self._code_of)
        new = np.array(
            [-1 if one is None else code_of.setdefault(_text(one), len(code_of)) for one in values],
            np.int32,
        )
        return TextColumn(_with(self.codes, size, slots, new, missing=-1), tuple(code_of))

    def equals(self, values: Sequence[Scalar]) -> Mask:
        """See ``Column``."""
        wanted = [self._code_of[one] for one in values if one in self._code_of]
        if len(wanted) == 1:
            return np.equal(self.codes, wanted[0])
        return np.isin(self.codes, np.array(wanted, np.int32))

    def within(self, bounds: Mapping[str, Any]) -> Mask:
        """See ``Column``; text is ordered by code point."""
        words, places = self._sorted
        low, high = 0, len(words)
        for name, value in bounds.items():
            at = (bisect_right if name in ("gt", "lte") else bisect_left)(words, value)
            low, high = (max(low, at), high) if name in ("gt", "gte") else (low, min(high, at))
        return (places >= low) & (places < high)

    def count(self, mask: Mask) -> Counted:
        """See ``Column``."""
        words, places = self._sorted
        found = places[mask]
        counts = np.bincount(found[found >= 0], minlength=len(words))
        there = np.flatnonzero(counts)
        return words[there], counts[there]


def extended(values: NDArray[Any], size: int, missing: int = 0) -> NDArray[Any]:
    """Return a copy of (n,) ``values`` of at least ``size``, ``missing`` in what is added."""
    found = np.full(max(size, len(values)), missing, values.dtype)
    found[: len(values)] = values
    return found


def _with(
    values: NDArray[Any], size: int, slots: Slots, new: NDArray[Any], missing: int = 0
) -> NDArray[Any]:
    found = extended(values, size, missing)
    found[slots] = new
    return found


def _number(kind: str, value: Value) -> int | float | None:
    """Return ``value`` as a column of this type holds it; None if it cannot."""
    if isinstance(value, bool) or kind == "boolean":
        return value if isinstance(value, bool) and kind == "boolean" else None
    try:
        if not isinstance(value, int | float) or not isfinite(value):
            return None
    except OverflowError:  # an integer that no float comes near
        return None
    if kind == "number":
        return float(value)
    whole = int(value)
    return whole if whole == value and _INT64.min <= whole <= _INT64.max else None


def _text(value: Scalar) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
