"""Rows of labels and pictures: found by key, else by place; what speaks against itself is out."""

from pathlib import Path

from service.evaluation.labels import LabelRow
from service.evaluation.pairing import listed, pair


def row(written: str, key: str | None = None, **labels: str | None) -> LabelRow:
    return LabelRow(1, key, None if key else Path("/shop") / written, key or written, labels)


def test_a_key_goes_before_a_place_and_a_row_with_a_key_is_found_by_nothing_else() -> None:
    places = {"/shop/a.png": "b.png", "/shop/c.png": "c"}
    rows = [row("a.png", kind="1"), row("c.png", kind="2"), row("c.png", "c.png", kind="3")]
    found = pair(rows, {"a.png", "b.png", "c"}, lambda: places)
    assert found.given == {"a.png": {"kind": "1"}, "c": {"kind": "2"}}
    assert found.missing == ("c.png",)


def test_places_are_not_asked_for_if_keys_do() -> None:
    assert pair([row("a", kind="1")], {"a"}, lambda: 1 / 0).given == {"a": {"kind": "1"}}  # type: ignore[arg-type, return-value]


def test_rows_of_one_picture_add_up_unless_they_contradict() -> None:
    rows = [row("a", kind="1", size=None), row("a", kind=None, size="s"), row("a", kind="2")]
    found = pair(rows, {"a"}, dict)
    assert found.given == {"a": {"kind": None, "size": "s"}}
    assert found.conflicts == {"kind": ("a",)}
    assert found.notes() == ["kind: 'a' is labelled twice, differently: left out"]


def test_of_missing_pictures_those_known_as_unreadable_are_told_apart() -> None:
    found = pair([row("a", kind="1"), row("b", kind="1")], set(), dict)
    assert found.notes({"a"}) == [
        "'a' is labelled, but could not be read",
        "'b' is labelled, but not among the pictures: passed over",
    ]


def test_long_lists_of_names_are_cut() -> None:
    assert listed(["a", "b", "c", "d", "e"]) == "'a', 'b', 'c' and 2 more are"
