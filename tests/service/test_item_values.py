"""Keys and metadata: what they may be."""

import pytest

from service.errors import ItemError
from service.item_values import check_key, check_metadata, merged, read_metadata, same_metadata


@pytest.mark.parametrize("key", ["a", "a/b.jpg", "..a", "…", "/", "line\nbreak", "x" * 1024])
def test_any_text_may_be_a_key(key: str) -> None:
    check_key(key)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "0 bytes in UTF-8: expected 1 to 1,024"),
        ("é" * 513, "1,026 bytes"),
        ("a\0b", "zero byte"),
        (".", "no address can name"),
        ("..", "no address can name"),
        ("half \ud83d", "surrogate"),
    ],
)
def test_key_that_cannot_be_is_refused_with_the_reason(key: str, words: str) -> None:
    with pytest.raises(ItemError, match=words):
        check_key(key)


def test_metadata_keeps_the_types_of_json() -> None:
    text = '{"name": "ä", "n": 3, "x": 3.0, "big": 9223372036854775807, "ok": true, "none": null}'
    found = read_metadata(text.encode())
    wanted = {"name": "ä", "n": 3, "x": 3.0, "big": 2**63 - 1, "ok": True, "none": None}
    assert same_metadata(found, wanted)


def test_types_are_part_of_what_metadata_is() -> None:
    assert not same_metadata({"n": 1}, {"n": 1.0})
    assert not same_metadata({"n": 1}, {"n": True})
    assert same_metadata({"a": 1, "b": None}, {"b": None, "a": 1})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "not a JSON object"),
        ('{"a"', "not a JSON object"),
        ('"a"', "not a JSON object"),
        (b'{"a": "\xff"}', "not a JSON object"),
        ('{"a": "\\ud800"}', "not a JSON object"),
        ('{"a": NaN}', "'a' is nan"),
        ('{"a": 1e999}', "'a' is inf"),
        ('{"a": 9223372036854775808}', "'a' is 0x8000000000000000: expected at most 64 bits"),
        ('{"a": -99999999999999999999999999}', "64 bits"),
        ('{"a": [1]}', "'a' is a list"),
        ('{"a": {"b": 1}}', "'a' is an object"),
        ('{"": 1}', "0 characters"),
        ('{"' + "n" * 257 + '": 1}', "257 characters"),
    ],
)
def test_what_is_no_metadata_is_named(text: str | bytes, words: str) -> None:
    with pytest.raises(ItemError, match=words):
        read_metadata(text)


def test_metadata_is_limited_in_values_and_bytes() -> None:
    check_metadata({str(at): at for at in range(256)})
    with pytest.raises(ItemError, match="257 values, the limit is 256"):
        check_metadata({str(at): at for at in range(257)})
    check_metadata({"a": "x" * 65_535})
    with pytest.raises(ItemError, match="65,537 bytes, the limit is 65,536"):
        check_metadata({"a": "x" * 65_536})
    with pytest.raises(ItemError, match="the limit is 65,536"):
        read_metadata("{" + " " * 200_000 + "}")


@pytest.mark.parametrize(
    ("metadata", "changes", "wanted"),
    [
        ({"a": 1}, {"b": "x"}, {"a": 1, "b": "x"}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": 1}, {"a": 2.5}, {"a": 2.5}),
        ({"a": 1}, {"none": None}, {"a": 1}),
        ({"a": 1, "kept": None}, {}, {"a": 1, "kept": None}),
    ],
)
def test_changes_are_merged_and_null_removes(
    metadata: dict[str, float | str | None],
    changes: dict[str, float | str | None],
    wanted: dict[str, float | str | None],
) -> None:
    assert merged({**metadata}, {**changes}) == wanted


def test_metadata_cannot_grow_past_its_limit_by_merging() -> None:
    with pytest.raises(ItemError, match="257 values"):
        merged({str(at): at for at in range(256)}, {"one more": 1})
