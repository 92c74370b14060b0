"""Pictures added and items removed, in a folder and behind a server alike."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from indexer.errors import IndexBusyError, SourceError
from indexer.local import LocalStore
from indexer.lock import writer_lock
from indexer.sources import Entry
from indexer.watching import Watcher
from models.images import Limits
from service import adding
from service.adding import (
    Changer,
    LocalChanger,
    Report,
    add_pictures,
    named_entries,
    remove_items,
)
from service.bulk import Remove
from service.editing import Editor
from service.errors import ItemError
from service.opening import Opened
from service.remote import RemoteError
from service.remote_changer import open_remote_changer
from service.search import Searcher
from service.settings import load_settings
from tests.fakes import FakeExtractor
from tests.pictures import picture
from tests.serving import serving


@contextmanager
def local_changer(index: Path) -> Iterator[Changer]:
    with closing(LocalChanger(load_settings(index=str(index)))) as changer:
        yield changer


@contextmanager
def remote_changer(index: Path) -> Iterator[Changer]:
    store = LocalStore(index)
    opened = Opened(store, Searcher(store, FakeExtractor(), Limits()), Limits())
    with serving(opened, load_settings()) as client:
        settings = load_settings(index=str(client.base_url))
        with closing(open_remote_changer(settings)) as changer:
            yield changer


@pytest.fixture(params=[local_changer, remote_changer], ids=["local", "remote"])
def changer(
    request: pytest.FixtureRequest, fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Changer]:
    monkeypatch.setattr(adding, "pinned_extractor", lambda *_: FakeExtractor())
    with request.param(fake_index) as changer:
        yield changer


def item_of(index: Path, key: str) -> tuple[bytes, dict[str, Any]] | None:
    """Return the picture and the metadata of an item, if there is one."""
    with closing(LocalStore(index)) as store:
        item = store.item(key)
        return None if item is None else (store.locate(item).read_bytes(), item.metadata)


class Listener(Watcher):
    def __init__(self) -> None:
        self.heard: list[tuple[int, int]] = []

    def advanced(self, done: int, failed: int) -> None:
        self.heard.append((done, failed))


def add(changer: Changer, entries: list[Entry], **flags: Any) -> tuple[Report, Listener]:
    listener = Listener()
    return add_pictures(entries, changer, load_settings(**flags), listener), listener


def entries(folder: Path, count: int) -> list[Entry]:
    found = []
    for at in range(count):
        path = folder / f"new {at}.png"
        path.write_bytes(picture(at))
        found.append(Entry(path.name, path, {"n": at}))
    return found


def test_pictures_added_are_kept_by_the_index(
    changer: Changer, fake_index: Path, tmp_path: Path
) -> None:
    report, listener = add(changer, entries(tmp_path, 5), batch_size=2)
    assert (report.results, report.failed) == ({"created": 5}, [])
    assert listener.heard == [(2, 0), (4, 0), (5, 0), (5, 0)]
    assert changer.count() == 25
    (tmp_path / "new 3.png").unlink()
    assert item_of(fake_index, "new 3.png") == (picture(3), {"n": 3})


def test_adding_again_replaces_only_what_is_another(
    changer: Changer, fake_index: Path, tmp_path: Path
) -> None:
    given = entries(tmp_path, 4)
    add(changer, given)
    given[1].path.write_bytes(picture(100))
    given[2].metadata["n"] = 7
    report, _ = add(changer, given)
    assert report.results == {"unchanged": 2, "replaced": 2}
    assert item_of(fake_index, "new 1.png") == (picture(100), {"n": 1})
    assert item_of(fake_index, "new 2.png") == (picture(2), {"n": 7})


def test_pictures_that_cannot_be_added_are_named_with_the_reason(
    changer: Changer, tmp_path: Path
) -> None:
    given = entries(tmp_path, 6)
    given[0].path.unlink()
    given[1].path.write_bytes(b"no picture")
    given[2] = Entry("problem", given[2].path, {}, "its name is not UTF-8")
    given[3] = Entry("a\0b", given[3].path)
    given[4].metadata["n"] = "text"
    report, listener = add(changer, [*reversed(given)], batch_size=3)
    assert report.results == {"created": 1}
    reasons = {one.key: one.problem or "" for one in report.failed}
    assert "no file" in reasons["new 0.png"]
    assert "not a picture" in reasons["new 1.png"]
    assert reasons["problem"] == "its name is not UTF-8"
    assert "zero byte" in reasons["a\0b"]
    assert "'n'" in reasons["new 4.png"]
    assert listener.heard[-1] == (6, 5)


def test_items_removed_are_gone_and_unknown_keys_are_named(
    changer: Changer, fake_index: Path
) -> None:
    keys = ["001.png", "nope", "002.png", "001.png", "\udcff", "x" * 2000]
    found = {one.key: one for one in remove_items(keys, changer, batch=2)}
    assert [key for key, one in found.items() if one.result == "removed"] == ["001.png", "002.png"]
    assert {key for key, one in found.items() if one.unknown} == {"nope", "\udcff", "x" * 2000}
    assert found["nope"].problem == "no item has the key 'nope'"
    assert changer.count() == 18
    assert item_of(fake_index, "001.png") is None


def test_folder_that_another_writes_ends_the_command(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local_changer(fake_index) as changer:
        monkeypatch.setattr(changer._store._writer, "_patience_s", 0.0)  # type: ignore[attr-defined]
        with writer_lock(fake_index), pytest.raises(IndexBusyError, match="written by process"):
            changer.change([Remove("001.png")])
        assert changer.change([Remove("001.png")])[0].result == "removed"


def test_server_that_fails_ends_the_command(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Editor, keys: list[str]) -> Any:
        raise RuntimeError("a defect")

    with remote_changer(fake_index) as changer, monkeypatch.context() as patched:
        patched.setattr(Editor, "remove_many", broken)
        with pytest.raises(RemoteError, match="something went wrong in the server"):
            changer.change([Remove("001.png")])


def test_server_that_refuses_the_request_is_quoted(opened: Opened) -> None:
    with serving(opened, load_settings()) as client:
        settings = load_settings(index=f"{client.base_url}/v1/indexes/nope")
        changer = open_remote_changer(settings)
        with closing(changer), pytest.raises(RemoteError, match="there is no index 'nope'"):
            changer.change([Remove("001.png")])


def test_pictures_are_named_after_their_files_and_sources_name_theirs(
    pictures: Path, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("path,key,price\npictures/003.png,shoe,4.5\n")
    found = named_entries(
        [str(pictures / "001.png"), str(table)], None, {"season": "ss26"}, tmp_path / "index"
    )
    assert [(one.key, one.path.name, one.metadata) for one in found] == [
        ("001.png", "001.png", {"season": "ss26"}),
        ("shoe", "003.png", {"price": 4.5, "season": "ss26"}),
    ]
    assert len(named_entries([str(pictures)], None, {}, None)) == 20
    single = named_entries([str(pictures / "001.png")], "a/b", {}, None)
    assert [one.key for one in single] == ["a/b"]


@pytest.mark.parametrize(
    ("names", "key", "words"),
    [
        (["nothing.png"], None, "no picture at 'nothing.png'"),
        (["nothing"], None, "no source at 'nothing'"),
        (["empty"], None, "names no pictures"),
        (["pictures"], "a", "one key, 'a', for 20 pictures"),
        (["pictures", "pictures/001.png", "other/001.png"], None, "the key '001.png'"),
    ],
)
def test_names_that_cannot_be_meant_are_refused(
    pictures: Path, tmp_path: Path, names: list[str], key: str | None, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "001.png").write_bytes(picture(1))
    with pytest.raises(SourceError, match=words):
        named_entries(names, key, {}, None)


def test_key_that_cannot_be_is_refused_at_once(pictures: Path) -> None:
    with pytest.raises(ItemError, match="zero byte"):
        named_entries([str(pictures / "001.png")], "a\0", {}, None)


def test_pictures_of_many_bytes_are_sent_on_before_others_are_read(
    changer: Changer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "_BYTES_AT_ONCE", 2 * len(picture(1)))
    _, listener = add(changer, entries(tmp_path, 4), batch_size=100)
    assert [done for done, _ in listener.heard] == [2, 4, 4]
