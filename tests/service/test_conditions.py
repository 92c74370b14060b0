"""Entity tags, and changes that depend on them."""

from dataclasses import replace

import pytest

from indexer.records import Item
from service.conditions import Condition, read_condition, tag_of
from service.errors import ConditionError

ITEM = Item("a", 3, 7, "media/x", "0" * 64, 9, 0, {"n": 1}, "2026-01-01", ())
TAG = tag_of(ITEM)


def test_tag_is_another_for_another_version_picture_or_metadata() -> None:
    others = [
        replace(ITEM, version=4),
        replace(ITEM, digest="1" * 64),
        replace(ITEM, metadata={"n": 2}),
        replace(ITEM, metadata={}),
    ]
    assert len({TAG, *map(tag_of, others)}) == 5
    assert tag_of(replace(ITEM, slot=8, added="later")) == TAG
    assert TAG.startswith('"3-')


@pytest.mark.parametrize(
    ("match", "none_match", "item", "holds"),
    [
        ([], [], ITEM, True),
        ([], [], None, True),
        ([TAG], [], ITEM, True),
        (['"x"', f'"y", {TAG}'], [], ITEM, True),
        (["*"], [], ITEM, True),
        (["*"], [], None, False),
        (['"x"'], [], ITEM, False),
        ([TAG], [], None, False),
        ([f"W/{TAG}"], [], ITEM, False),  # a weak tag says nothing about the bytes
        ([""], [], ITEM, False),
        ([], ["*"], None, True),
        ([], ["*"], ITEM, False),
        ([], [TAG], ITEM, False),
        ([], [f"W/{TAG}"], ITEM, False),
        ([], ['"x"'], ITEM, True),
    ],
)
def test_conditions_hold_as_http_says(
    match: list[str], none_match: list[str], item: Item | None, holds: bool
) -> None:
    condition = read_condition(match, none_match)
    assert condition.is_set == bool(match or none_match)
    if holds:
        condition.check("a", item)
    else:
        with pytest.raises(ConditionError):
            condition.check("a", item)


def test_error_says_what_the_item_is_by_now() -> None:
    with pytest.raises(ConditionError, match=f"'a' does not match \"x\": it is {TAG} by now"):
        Condition(match=('"x"',)).check("a", ITEM)
    with pytest.raises(ConditionError, match="there is no such item"):
        Condition(match=('"x"',)).check("a", None)
    with pytest.raises(ConditionError, match=f"is there already, as {TAG}"):
        Condition(none_match=("*",)).check("a", ITEM)
