"""Lines that ask for changes, and changes made together in the right order."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from indexer.errors import UnknownKeyError
from models.errors import PictureError
from service import bulk
from service.bulk import Change, Failed, Patch, Remove, apply, line_of, read_change, read_changes
from service.editing import Done, Editor, Put
from service.errors import ItemError, LineError
from service.fetching import FetchError, fetch_nothing
from service.opening import Opened
from tests.pictures import picture

CHANGES: list[Change] = [
    Put("ä/b\n", picture(1), {"n": 1, "x": 2.0, "t": "ü", "b": False, "none": None}),
    Patch("a", {"n": None, "x": 1}),
    Remove("a"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_written_as_a_line_is_read_again(change: Change) -> None:
    line = line_of(change)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert read_change(line, fetch_nothing) == change


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"put": \xff}', "not JSON"),
        (b"[]", "should be an object"),
        (b"{}", "exactly one of put, patch and delete"),
        (b'{"delete": {"key": "a"}, "patch": {"key": "a", "metadata": {}}}', "exactly one"),
        (b'{"remove": {"key": "a"}}', "remove"),
        (b'{"delete": {}}', "delete.key"),
        (b'{"delete": {"key": 3}}', "delete.key"),
        (b'{"delete": {"key": "a", "force": true}}', "delete.force"),
        (b'{"put": {"key": "a"}}', "exactly one of base64 and url"),
        (b'{"put": {"key": "a", "base64": "", "url": "http://a"}}', "exactly one of base64"),
        (b'{"patch": {"key": "a"}}', "patch.metadata"),
    ],
)
def test_line_that_asks_for_nothing_is_named(line: bytes, words: str) -> None:
    found = read_change(line, fetch_nothing)
    assert isinstance(found, Failed)
    assert isinstance(found.error, LineError)
    assert words in str(found.error)


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"put": {"key": "a", "base64": "not base64!"}}, PictureError),
        ({"put": {"key": "a", "url": "http://example.com/a"}}, FetchError),
        ({"put": {"key": "a", "base64": "", "metadata": {"a": [1]}}}, ItemError),
        ({"patch": {"key": "a", "metadata": {"a": {}}}}, ItemError),
    ],
)
def test_line_whose_item_cannot_be_names_its_key(asked: dict[str, Any], kind: type) -> None:
    found = read_change(json.dumps(asked).encode(), fetch_nothing)
    assert isinstance(found, Failed)
    assert (found.key, type(found.error)) == ("a", kind)


def test_pictures_by_address_are_fetched_several_at_once() -> None:
    together = threading.Barrier(bulk._AT_ONCE, timeout=20)

    def fetch(url: str) -> bytes:
        together.wait()
        return url.encode()

    count = 2 * bulk._AT_ONCE
    lines = [
        json.dumps({"put": {"key": f"{at}", "url": f"http://{at}"}}).encode() for at in range(count)
    ]
    found = list(read_changes(lines, fetch))
    assert found == [Put(f"{at}", f"http://{at}".encode(), {}) for at in range(count)]


def results(opened: Opened, changes: list[Change | Failed]) -> list[str]:
    return [
        one.result if isinstance(one, Done) else type(one.error).__name__
        for one in apply(opened.editor, changes)
    ]


def test_changes_of_one_item_are_made_in_their_order(opened: Opened) -> None:
    done = results(
        opened,
        [
            Put("a", picture(1), {}),
            Remove("a"),
            Put("a", picture(2), {"n": 1}),
            Patch("a", {"n": 2}),
            Put("b", picture(3), {}),
            Put("b", picture(4), {}),
            Remove("003.png"),
            Patch("003.png", {"n": 1}),
            Remove("003.png"),
            Put("003.png", picture(5), {}),
        ],
    )
    assert done == [
        *("created", "removed", "created", "patched"),
        *("created", "replaced"),
        *("removed", "UnknownKeyError", "UnknownKeyError", "created"),
    ]
    item = opened.store.item("a")
    assert item is not None
    assert item.metadata == {"n": 2}
    assert opened.store.locate(item).read_bytes() == picture(2)


def test_changes_of_other_items_do_not_part_a_batch(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def watched(name: str, key: Callable[[Any], str]) -> None:
        made = getattr(Editor, name)

        def call(self: Editor, some: list[Any]) -> Any:
            calls.append([key(one) for one in some])
            return made(self, some)

        monkeypatch.setattr(Editor, name, call)

    watched("put_many", lambda put: put.key)
    watched("remove_many", str)
    changes: list[Change | Failed] = []
    for at in range(5):
        changes += [
            Put(f"new {at}", picture(at), {}),
            Remove(f"00{at}.png"),
            Patch(f"01{at}.png", {"n": at}),
            Failed(None, LineError("broken")),
        ]
    assert results(opened, changes) == ["created", "removed", "patched", "LineError"] * 5
    assert sorted(map(len, calls)) == [5, 5]


def test_pictures_past_the_memory_put_aside_for_them_are_stored_first(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_PUT_OFF", 2 * len(picture(1)))
    sizes: list[int] = []
    put_many = Editor.put_many

    def watched(self: Editor, puts: list[Put]) -> Any:
        sizes.append(len(puts))
        return put_many(self, puts)

    monkeypatch.setattr(Editor, "put_many", watched)
    assert results(opened, [Put(f"{at}", picture(1), {}) for at in range(7)]) == ["created"] * 7
    assert sizes == [3, 3, 1]


def test_failure_nobody_foresaw_stays_with_its_change(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Editor, puts: list[Put]) -> Any:
        raise RuntimeError("a defect")

    monkeypatch.setattr(Editor, "put_many", broken)
    done = apply(opened.editor, [Put("a", picture(1), {}), Remove("nope"), Remove("001.png")])
    assert isinstance(done[0], Failed)
    assert isinstance(done[0].error, RuntimeError)
    assert isinstance(done[1], Failed)
    assert isinstance(done[1].error, UnknownKeyError)
    assert isinstance(done[2], Done)
