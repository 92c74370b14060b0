"""The catalog's file: lent to many threads, read-only, damaged, or on a full disk."""

import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from indexer.catalog import Catalog
from indexer.errors import CatalogError, IndexFolderError
from indexer.sources import open_source
from indexer.staging import Staging
from tests.indexer.contents import item, put

PAGE = 4096
READS: list[Callable[[Catalog], object]] = [
    Catalog.count,
    Catalog.next_slot,
    Catalog.changes,
    Catalog.failure_count,
    Catalog.failures,
    Catalog.columns,
    Catalog.live_slots,
    lambda catalog: list(catalog.items()),
    lambda catalog: catalog.items_after(None, 10_000),
    lambda catalog: catalog.items_in(range(600)),
    lambda catalog: [catalog.item(f"{slot:05}") for slot in range(600)],
]


# --- connections -------------------------------------------------------------------------------


def count_connections(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def counted(*given, **options):  # type: ignore[no-untyped-def]
        opened.append(connect(*given, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", counted)
    return opened


def test_many_reads_at_once_need_no_more_connections_than_threads(
    catalog: Catalog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(catalog, *(item(f"{slot}", slot) for slot in range(200)))
    opened = count_connections(monkeypatch)
    reader = Catalog(path)

    def read(_: int) -> tuple[int, int, int]:
        return reader.count(), len(reader.items_in(range(200))), len(list(reader.items()))

    for _ in range(2):  # threads that are new each time
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(read, range(80))) == [(200, 200, 200)] * 80
    assert 1 <= len(opened) <= 8
    reader.close()
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            connection.execute("SELECT 1")


def test_readings_within_each_other_have_a_connection_each(
    catalog: Catalog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(catalog, item("a", 0), item("b", 1), item("c", 2))
    opened = count_connections(monkeypatch)
    reader = Catalog(path)
    seen = []
    for one in reader.items():
        put(catalog, item(f"{one.key} too", 10 + one.slot))
        seen.append((one.key, reader.count()))
    assert seen == [("a", 4), ("b", 5), ("c", 6)]  # all items are of one moment, the counts are not
    assert len(opened) == 2
    for _ in range(3):
        next(reader.items())  # left half way, it gives its connection back all the same
    assert (len(opened), reader.count()) == (2, 6)
    reader.close()


def test_changes_are_told_by_another_number_and_only_they(catalog: Catalog, path: Path) -> None:
    reader, seen = Catalog(path), set()
    for slot in range(3):
        now = reader.changes()
        assert now not in seen
        assert reader.changes() == now
        assert threaded(reader.changes) == now
        seen.add(now)
        put(catalog, item("the same key", slot))
    reader.close()


def test_a_writer_counts_its_own_changes(catalog: Catalog) -> None:
    before = catalog.changes()
    assert catalog.changes() == before
    put(catalog, item("a", 0))
    assert catalog.changes() != before


def threaded(call: Callable[[], object]) -> object:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


# --- read-only ---------------------------------------------------------------------------------


def refuse_wal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let SQLite answer `mode=ro` as it does on a read-only mount."""
    connect = sqlite3.connect

    def refusing(target: str, **options: object) -> sqlite3.Connection:
        if "mode=ro" in str(target):
            raise sqlite3.OperationalError("unable to open database file")
        return connect(target, **options)

    monkeypatch.setattr(sqlite3, "connect", refusing)
    monkeypatch.setattr(os, "access", lambda *_: False)


def test_a_full_disk_is_not_taken_for_a_read_only_mount(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Catalog(path, writable=True).close()
    refuse_wal(monkeypatch)
    monkeypatch.setattr(os, "access", lambda *_: True)
    with pytest.raises(CatalogError, match="unable to open"):  # else it would read no news ever
        Catalog(path)


def test_slots_are_never_used_twice_whatever_the_counter_says(catalog: Catalog) -> None:
    put(catalog, item("a", 7))
    with catalog.transaction() as db:
        db.execute("UPDATE counters SET value = 3 WHERE name = 'next_slot'")
    assert catalog.next_slot() == 8


def test_a_read_only_mount_is_read_as_immutable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Catalog(path, writable=True)
    put(writer, item("a", 0))
    writer.close()
    refuse_wal(monkeypatch)
    reader = Catalog(path)
    assert reader.item("a") == item("a", 0)
    assert reader.changes() == reader.changes()
    with pytest.raises(CatalogError, match="readonly"), reader.reading() as lent:
        lent.execute("DELETE FROM items")
    assert not path.with_name("catalog.sqlite-wal").exists()
    reader.close()


def test_a_connection_lent_for_reading_takes_no_writes(catalog: Catalog, path: Path) -> None:
    put(catalog, item("a", 0))
    reader = Catalog(path)
    with pytest.raises(CatalogError, match="readonly"), reader.reading() as lent:
        lent.execute("DELETE FROM items")
    assert catalog.count() == 1
    reader.close()


def test_a_read_only_mount_with_commits_still_in_the_log_is_refused(
    catalog: Catalog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(catalog, item("a", 0))  # in the log until the catalog is closed
    refuse_wal(monkeypatch)
    with pytest.raises(CatalogError, match=r"catalog .*catalog\.sqlite' cannot be used: unable"):
        Catalog(path)


def test_a_missing_catalog_is_named(path: Path) -> None:
    with pytest.raises(IndexFolderError, match=r"has no catalog\.sqlite"):
        Catalog(path)


# --- damaged or full ---------------------------------------------------------------------------


@pytest.mark.parametrize("writable", [False, True])
def test_a_file_that_is_no_catalog_is_named(path: Path, writable: bool) -> None:
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(CatalogError, match=r"catalog .*catalog\.sqlite'.*not a database") as raised:
        Catalog(path, writable=writable)
    assert raised.value.exit_code == 1


def fill(path: Path) -> bytes:
    """Make a catalog of many pages and return its bytes."""
    catalog = Catalog(path, writable=True)
    put(catalog, *(item(f"{slot:05}", slot, metadata={"n": slot}) for slot in range(600)))
    assert catalog.check() == []
    catalog.close()
    return path.read_bytes()


def page_of(data: bytes, text: bytes) -> int:
    return data.index(text) // PAGE * PAGE


@pytest.mark.parametrize("damage", [bytes(PAGE), b"\xff" * PAGE, b"\x0d" + bytes(60), bytes(20)])
def test_a_damaged_page_of_items_is_a_problem_and_never_an_error_of_sqlite(
    path: Path, tmp_path: Path, damage: bytes
) -> None:
    data = bytearray(fill(path))
    at = page_of(data, b"/pictures/300")
    data[at : at + len(damage)] = damage
    path.write_bytes(data)
    reader = Catalog(path)
    assert reader.check() != []
    with pytest.raises(CatalogError):
        list(reader.items())
    reader.close()
    (tmp_path / "empty").mkdir()
    writer = Catalog(path, writable=True)
    with pytest.raises(CatalogError, match=r"catalog\.sqlite' cannot be used"):
        Staging(writer, open_source(str(tmp_path / "empty")))
    writer.close()


@pytest.mark.parametrize("damage", [b"\0", b"\xff\xfe\xfd", bytes(300), b"\x7f" * PAGE])
def test_whatever_page_is_damaged_reading_raises_catalog_errors_only(
    path: Path, damage: bytes
) -> None:
    whole = fill(path)
    found = 0
    for at in range(PAGE + 700, len(whole) - PAGE, PAGE):
        data = bytearray(whole)
        data[at : at + len(damage)] = damage
        path.write_bytes(data)
        try:
            reader = Catalog(path)
        except CatalogError:
            found += 1
            continue
        found += bool(reader.check())
        for read in READS:
            with suppress(CatalogError):
                read(reader)
        reader.close()
    assert found or len(damage) == 1


def test_metadata_that_is_no_json_any_more_is_found_and_named(path: Path) -> None:
    path.write_bytes(fill(path).replace(b'{"n": 300}', b'{"n"! 300}'))
    reader = Catalog(path)
    assert reader.check() == ["the row of '00300' is not what was written"]
    with pytest.raises(CatalogError, match="metadata of '00300' is damaged: Expecting"):
        reader.item("00300")
    assert reader.item("00301") is not None
    reader.close()


def test_a_transaction_on_a_full_disk_is_undone_and_the_next_one_works(catalog: Catalog) -> None:
    put(catalog, item("kept", 0))
    pages = catalog.connection.execute("PRAGMA page_count").fetchone()[0]
    catalog.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(CatalogError, match="full"):
        put(catalog, *(item(f"{slot}", slot) for slot in range(1, 1000)))
    assert not catalog.connection.in_transaction
    assert (catalog.count(), catalog.next_slot(), catalog.check()) == (1, 1, [])
    put(catalog, item("after", 1))
    assert catalog.count() == 2


def test_a_catalog_that_another_process_holds_is_named(catalog: Catalog, path: Path) -> None:
    other = sqlite3.connect(path, timeout=0)
    other.execute("BEGIN IMMEDIATE")
    catalog.connection.execute("PRAGMA busy_timeout = 0")
    with pytest.raises(CatalogError, match="cannot be used: database is locked"):
        put(catalog, item("a", 0))
    other.rollback()
    other.close()
    put(catalog, item("a", 0))
