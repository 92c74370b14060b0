"""Items put, patched and removed, one by one and together, and by several at once."""

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import ColumnTypeError, DiskFullError, UnknownKeyError
from indexer.local import LocalStore
from models.errors import HueweaveError, PictureError
from models.images import Limits
from service.conditions import Condition, tag_of
from service.editing import Done, Editor, Put
from service.errors import ConditionError, ItemError
from service.opening import Opened
from service.query import ImageExample, Query, Term
from service.verify import verify
from tests.fakes import FakeExtractor, build_fake
from tests.pictures import picture


@pytest.fixture
def store(fake_index: Path) -> Iterator[LocalStore]:
    with closing(LocalStore(fake_index)) as store:
        yield store


@pytest.fixture
def editor(store: LocalStore, extractor: FakeExtractor) -> Editor:
    return Editor(store, lambda: extractor, Limits())


def media(store: LocalStore) -> list[str]:
    """Return the digests of the originals that the index keeps."""
    return sorted(path.stem for path in (store.folder / "media").glob("*/*"))


def found_by(opened: Opened, data: bytes) -> str:
    """Return the key of what is most like a picture."""
    query = Query(terms=[Term(attribute="color", image=ImageExample(part="a"))], limit=1)
    return opened.searcher.answer(query, {"a": data}).hits[0].key


def test_picture_put_is_kept_and_found_by_the_very_next_search(opened: Opened) -> None:
    assert found_by(opened, picture(1)) != "new"
    done = opened.editor.put(Put("new", picture(1), {"price": 3}))
    assert (done.result, done.item.version, done.item.metadata) == ("created", 1, {"price": 3})
    assert found_by(opened, picture(1)) == "new"
    path = opened.store.locate(done.item)
    assert path.read_bytes() == picture(1)
    assert path.suffix == ".png"


@pytest.mark.parametrize(("kind", "ending"), [("JPEG", ".jpg"), ("WEBP", ".webp"), ("BMP", ".bmp")])
def test_original_is_named_after_its_format(
    store: LocalStore, editor: Editor, kind: str, ending: str
) -> None:
    done = editor.put(Put("a", picture(1, kind), {}))
    assert store.locate(done.item).suffix == ending


def test_replaced_picture_is_found_no_more_and_its_original_is_gone(opened: Opened) -> None:
    first = opened.editor.put(Put("a", picture(1), {}))
    path = opened.store.locate(first.item)
    second = opened.editor.put(Put("a", picture(9_000), {}))
    assert (second.result, second.item.version) == ("replaced", 2)
    assert not path.exists()
    assert found_by(opened, picture(9_000)) == "a"
    assert second.item.slot != first.item.slot


def test_putting_the_same_again_does_nothing(
    store: LocalStore, editor: Editor, extractor: FakeExtractor
) -> None:
    first = editor.put(Put("a", picture(1), {"n": 1, "b": "x"}))
    embedded = extractor.pictures
    again = editor.put(Put("a", picture(1), {"b": "x", "n": 1}))
    assert (again.result, again.item) == ("unchanged", first.item)
    assert extractor.pictures == embedded
    assert editor.put(Put("a", picture(1), {"b": "x", "n": 1.0})).item.version == 2


def test_putting_the_same_again_heals_what_is_damaged(store: LocalStore, editor: Editor) -> None:
    item = editor.put(Put("a", picture(1), {})).item
    store.locate(item).write_bytes(b"other")
    assert editor.put(Put("a", picture(1), {})).result == "replaced"
    item = editor.put(Put("a", picture(1), {})).item
    assert store.locate(item).read_bytes() == picture(1)

    file = next(iter(store.pool_files.values()))
    with file.path.open("r+b") as pools:
        pools.seek(item.slot * file.read(np.array([0])).shape[1] * 2)
        pools.write(b"\xff\x3f")
    assert store.damaged(np.array([item.slot]))
    healed = editor.put(Put("a", picture(1), {}))
    assert healed.result == "replaced"
    assert not store.damaged(np.array([healed.item.slot]))
    assert list(verify(store.folder, pictures=True)) == []


def test_item_of_a_build_is_replaced_by_what_the_index_keeps(
    store: LocalStore, editor: Editor, pictures: Path
) -> None:
    data = (pictures / "003.png").read_bytes()
    done = editor.put(Put("003.png", data, {}))
    assert (done.result, done.item.version) == ("replaced", 2)
    (pictures / "003.png").unlink()
    assert store.locate(done.item).read_bytes() == data


def test_item_of_a_build_that_was_removed_comes_back_with_the_next_build(
    store: LocalStore, editor: Editor, pictures: Path
) -> None:
    editor.remove("003.png")
    assert (pictures / "003.png").exists()
    build_fake(store.folder, pictures)
    assert store.item("003.png") is not None


def test_two_keys_may_have_the_same_bytes(store: LocalStore, editor: Editor) -> None:
    one = editor.put(Put("one", picture(1), {})).item
    two = editor.put(Put("two", picture(1), {})).item
    assert one.source == two.source
    editor.remove("one")
    assert store.locate(two).read_bytes() == picture(1)
    editor.put(Put("two", picture(2), {}))
    assert media(store) == [store.item("two").digest]  # type: ignore[union-attr]
    editor.remove("two")
    assert media(store) == []


def test_many_puts_share_a_batch_and_each_failure_is_its_own(
    store: LocalStore, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor.put(Put("there", picture(1), {"n": 1}))
    batches = []
    add = store.add
    monkeypatch.setattr(
        store,
        "add",
        lambda batch, expected=None: batches.append(len(batch.embedded)) or add(batch, expected),
    )
    done = editor.put_many(
        [
            Put("new", picture(2), {"n": 2}),
            Put("", picture(3), {}),
            Put("bad", b"no picture", {}),
            Put("there", picture(1), {"n": 1}),
            Put("text", picture(4), {"n": "text"}),
            Put("last", picture(5), {}),
        ]
    )
    kinds = [one.result if isinstance(one, Done) else type(one) for one in done]
    assert kinds == ["created", ItemError, PictureError, "unchanged", ColumnTypeError, "created"]
    assert batches == [2]
    assert store.item("bad") is None
    assert "n" in store.columns()


def test_pictures_decoded_in_several_threads_keep_their_places(
    store: LocalStore, extractor: FakeExtractor
) -> None:
    editor = Editor(store, lambda: extractor, Limits(), threads=3)
    puts = [Put(f"{at}", picture(at), {}) for at in range(20)]
    done = editor.put_many([*puts[:10], Put("bad", b"", {}), *puts[10:]])
    assert isinstance(done.pop(10), PictureError)
    assert [one.key for one in done if isinstance(one, Done)] == [put.key for put in puts]
    for put in puts:
        item = store.item(put.key)
        assert item is not None
        assert store.locate(item).read_bytes() == put.data


def test_network_is_loaded_only_for_a_picture_to_embed(
    store: LocalStore, editor: Editor, extractor: FakeExtractor
) -> None:
    def never() -> FakeExtractor:
        raise AssertionError

    editor.put(Put("a", picture(1), {}))
    frugal = Editor(store, never, Limits())
    assert frugal.put(Put("a", picture(1), {})).result == "unchanged"
    assert frugal.patch("a", {"n": 1}).result == "patched"
    assert isinstance(frugal.put_many([Put("b", b"", {})])[0], PictureError)
    assert frugal.remove("a").result == "removed"


def test_patch_merges_and_the_next_filter_sees_it(opened: Opened) -> None:
    before = opened.editor.put(Put("a", picture(1), {"price": 3, "old": "x"})).item
    done = opened.editor.patch("a", {"price": 4.5, "old": None, "new": True})
    assert done.result == "patched"
    assert done.item.metadata == {"price": 4.5, "new": True}
    assert (done.item.version, done.item.slot) == (before.version, before.slot)
    assert tag_of(done.item) != tag_of(before)
    assert opened.store.columns()["price"][0] == "number"
    query = Query.model_validate(
        {
            "terms": [{"attribute": "color", "image": {"part": "a"}}],
            "filter": {"column": "price", "gte": 4.5},
        }
    )
    hits = opened.searcher.answer(query, {"a": picture(1)}).hits
    assert [hit.key for hit in hits] == ["a"]
    assert opened.editor.patch("a", {"price": 4.5, "gone": None}).result == "unchanged"


def test_what_is_not_there_is_neither_patched_nor_removed(editor: Editor) -> None:
    with pytest.raises(UnknownKeyError, match="no item has the key 'x'"):
        editor.patch("x", {"n": 1})
    with pytest.raises(UnknownKeyError, match="no item has the key 'x'"):
        editor.remove("x")


def test_value_of_another_type_than_its_column_changes_nothing(
    store: LocalStore, editor: Editor
) -> None:
    editor.put(Put("a", picture(1), {"n": "text"}))
    with pytest.raises(ColumnTypeError, match="'n'"):
        editor.patch("a", {"n": 1})
    with pytest.raises(ColumnTypeError, match="'n'"):
        editor.put(Put("b", picture(1), {"n": True}))
    assert store.item("b") is None
    assert store.columns()["n"][0] == "text"


def test_removed_together_but_each_with_its_own_outcome(store: LocalStore, editor: Editor) -> None:
    done = editor.remove_many(["001.png", "nope", "002.png", "001.png"])
    assert [one.key if isinstance(one, Done) else str(one) for one in done] == [
        "001.png",
        "no item has the key 'nope'",
        "002.png",
        "no item has the key '001.png'",
    ]
    assert store.count() == 18


def test_condition_decides_whether_anything_is_done(store: LocalStore, editor: Editor) -> None:
    new = Condition(none_match=("*",))
    item = editor.put(Put("a", picture(1), {}), new).item
    with pytest.raises(ConditionError):
        editor.put(Put("a", picture(2), {}), new)
    seen = Condition(match=(tag_of(item),))
    item = editor.put(Put("a", picture(2), {}), seen).item
    for late in (
        lambda: editor.put(Put("a", picture(3), {}), seen),
        lambda: editor.patch("a", {"n": 1}, seen),
        lambda: editor.remove("a", seen),
    ):
        with pytest.raises(ConditionError, match="by now"):
            late()
    assert store.item("a") == item
    seen = Condition(match=(tag_of(editor.patch("a", {"n": 1}).item),))
    assert editor.remove("a", seen).result == "removed"


def test_of_writers_who_saw_the_same_one_wins(store: LocalStore, editor: Editor) -> None:
    seen = Condition(match=(tag_of(editor.put(Put("a", picture(0), {})).item),))

    def change(seed: int) -> str:
        try:
            if seed % 2:
                return editor.patch("a", {"n": seed}, seen).result
            return editor.put(Put("a", picture(seed), {}), seen).result
        except ConditionError:
            return "refused"

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(change, range(1, 9)))
    assert results.count("refused") == 7


def test_of_changes_made_at_once_none_is_lost(store: LocalStore, editor: Editor) -> None:
    editor.put(Put("a", picture(1), {}))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda at: editor.patch("a", {f"n{at}": at}), range(24)))
    item = store.item("a")
    assert item is not None
    assert item.metadata == {f"n{at}": at for at in range(24)}


def test_of_puts_made_at_once_the_last_wins_and_versions_count_up(
    store: LocalStore, editor: Editor
) -> None:
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda at: editor.put(Put("a", picture(at), {})), range(16)))
    assert sorted(one.item.version for one in done) == list(range(1, 17))
    last = max(done, key=lambda one: one.item.version).item
    assert store.item("a") == last
    assert media(store) == [last.digest]
    assert [one.result for one in done].count("created") == 1


def test_columns_declared_at_once_agree_on_a_type(store: LocalStore, editor: Editor) -> None:
    values: list[str | int] = ["text", 1] * 8

    def put(at: int) -> bool:
        try:
            editor.put(Put(f"{at}", picture(at), {"n": values[at]}))
        except ColumnTypeError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        stored = list(threads.map(put, range(16)))
    kind = {"text": str, "integer": int}[store.columns()["n"][0]]
    assert stored == [isinstance(value, kind) for value in values]


def test_full_disk_stores_nothing_and_the_next_put_goes_on(
    store: LocalStore, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(DiskFullError):
            editor.put(Put("a", picture(1), {}))
        done = editor.put_many([Put("a", picture(1), {}), Put("bad", b"", {})])
        assert [type(one) for one in done] == [DiskFullError, PictureError]
    assert store.item("a") is None
    assert media(store) == []
    assert editor.put(Put("a", picture(1), {})).result == "created"
    assert list(verify(store.folder, pictures=True)) == []


def test_every_error_is_one_that_a_caller_can_mend(editor: Editor) -> None:
    for put in (Put("\0", picture(1), {}), Put("a", b"GIF89a", {})):
        with pytest.raises(HueweaveError):
            editor.put(put)
