"""What a filter comes to on columns in memory: a truth value for each slot."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from indexer.column_values import Column, Mask
from indexer.filter_form import (
    And,
    Condition,
    Equals,
    Exists,
    Filter,
    Not,
    OneOf,
    Or,
    Range,
    Shows,
)
from models.colors import COLOR_NAMES

Bits = NDArray[np.uint16]
"""A number a slot, with a bit for each basic color that the item shows."""
COLOR_BITS: dict[str, int] = {name: 1 << at for at, name in enumerate(COLOR_NAMES)}


def evaluate(filter: Filter, columns: Mapping[str, Column], colors: Bits, size: int) -> Mask:
    """Return (size,) what ``filter`` lets pass of slots 0 to size - 1.

    It has passed ``check_fit``; columns and colors that it names have at least ``size`` slots.
    """
    if isinstance(filter, And | Or):
        join = np.logical_and if isinstance(filter, And) else np.logical_or
        met = np.full(size, isinstance(filter, And))
        for one in filter.filters:
            join(met, evaluate(one, columns, colors, size), out=met)
        return met
    if isinstance(filter, Not):
        return ~evaluate(filter.filter, columns, colors, size)
    if isinstance(filter, Shows):
        return (colors[:size] & COLOR_BITS[filter.shows]).astype(np.bool_)
    if isinstance(filter, Condition):
        return _meets(columns[filter.column], filter)[:size]
    return np.ones(size, np.bool_)


def _meets(column: Column, condition: Condition) -> Mask:
    if isinstance(condition, Equals):
        return column.equals([condition.eq])
    if isinstance(condition, OneOf):
        return column.equals(condition.values)
    if isinstance(condition, Range):
        return column.within(condition.bounds)
    assert isinstance(condition, Exists)
    return column.exists if condition.exists else ~column.exists
