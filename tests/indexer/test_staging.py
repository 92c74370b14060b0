"""Staging: the source held against the catalog says what there is to do."""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from indexer.catalog import Catalog
from indexer.errors import CatalogError, SourceError
from indexer.records import Failure, Item
from indexer.sources import Entry
from indexer.staging import Plan, Staging


@dataclass
class Fixed:
    """A source of fixed entries."""

    given: list[Entry]
    name: str = "fixed"
    columns: dict[str, str] = field(default_factory=dict)

    def entries(self) -> Iterator[Entry]:
        yield from self.given


def write(tmp_path: Path, name: str, data: bytes = b"picture") -> Entry:
    path = tmp_path / name
    path.write_bytes(data)
    return Entry(name, path)


def store(catalog: Catalog, *entries: Entry) -> None:
    """Put entries into the catalog as a build would."""
    start = catalog.next_slot()
    for slot, entry in enumerate(entries, start):
        stat, digest = entry.path.stat(), hashlib.sha256(entry.path.read_bytes()).hexdigest()
        item = Item(
            entry.key, 1, slot, str(entry.path), digest,
            stat.st_size, stat.st_mtime_ns, entry.metadata, "", (),
        )  # fmt: skip
        with catalog.transaction():
            catalog.put([item])


def plan(**changes: int) -> Plan:
    names = Plan.__dataclass_fields__
    return Plan(**{name: changes.get(name, 0) for name in names})


def keys(staging: Staging) -> list[str]:
    return [work.entry.key for work in staging.work()]


def test_everything_is_new_to_an_empty_catalog(catalog: Catalog, tmp_path: Path) -> None:
    entries = [write(tmp_path, name) for name in ("b.png", "a.png", "c.png")]
    staging = Staging(catalog, Fixed(entries))
    assert staging.plan == plan(total=3, new=3)
    works = list(staging.work())
    assert [work.entry for work in works] == entries  # in the source's order, not the keys'
    assert works[0].size == 7
    assert works[0].mtime_ns == entries[0].path.stat().st_mtime_ns


def test_what_is_unchanged_is_no_work(catalog: Catalog, tmp_path: Path) -> None:
    entries = [write(tmp_path, name) for name in ("a.png", "b.png")]
    store(catalog, *entries)
    staging = Staging(catalog, Fixed(entries))
    assert staging.plan == plan(total=2, unchanged=2)
    assert keys(staging) == []


@pytest.mark.parametrize("data", [b"longer than before", b"PICTURE"])
def test_other_bytes_are_work_even_of_the_same_length(
    catalog: Catalog, tmp_path: Path, data: bytes
) -> None:
    entry = write(tmp_path, "a.png")
    store(catalog, entry)
    entry.path.write_bytes(data)
    os.utime(entry.path, ns=(1, 1))
    staging = Staging(catalog, Fixed([entry]))
    assert staging.plan == plan(total=1, changed=1)
    assert keys(staging) == ["a.png"]


def test_a_new_time_on_the_old_bytes_is_noted_and_no_work(catalog: Catalog, tmp_path: Path) -> None:
    entries = [write(tmp_path, f"{n}.png") for n in range(5)]
    store(catalog, *entries)
    for entry in entries[:3]:
        os.utime(entry.path, ns=(5, 5))
    staging = Staging(catalog, Fixed(entries))
    assert staging.plan == plan(total=5, relabelled=3, unchanged=2)
    assert keys(staging) == []
    staging.relabel()
    item = catalog.item("0.png")
    assert item is not None
    assert (item.mtime_ns, item.version, item.slot) == (5, 1, 0)
    assert Staging(catalog, Fixed(entries)).plan == plan(total=5, unchanged=5)


def test_other_metadata_or_another_path_is_relabelled(catalog: Catalog, tmp_path: Path) -> None:
    old = write(tmp_path, "a.png")
    store(catalog, old)
    (tmp_path / "moved").mkdir()
    shutil.copy2(old.path, tmp_path / "moved" / "a.png")
    new = Entry("a.png", tmp_path / "moved" / "a.png", {"größe": 3})
    staging = Staging(catalog, Fixed([new]))
    assert staging.plan == plan(total=1, relabelled=1)
    staging.relabel()
    item = catalog.item("a.png")
    assert item is not None
    assert (item.metadata, item.source) == ({"größe": 3}, str(new.path))
    assert (item.version, item.slot) == (1, 0)


def test_relabelling_is_logged_once_and_only_if_there_is_any(
    catalog: Catalog, tmp_path: Path
) -> None:
    entries = [write(tmp_path, f"{n}.png") for n in range(3)]
    store(catalog, *entries)
    Staging(catalog, Fixed(entries)).relabel()
    assert catalog.relabelled_since(0) == []
    entries = [Entry(one.key, one.path, {"n": 1}) for one in entries]
    Staging(catalog, Fixed(entries)).relabel()
    assert len(catalog.relabelled_since(0) or ()) == 3
    seen = catalog.last_change()
    Staging(catalog, Fixed(entries)).relabel()
    assert catalog.relabelled_since(seen) == []


def test_items_the_source_does_not_name_have_vanished(catalog: Catalog, tmp_path: Path) -> None:
    entries = [write(tmp_path, f"{n}.png") for n in range(4)]
    store(catalog, *entries)
    entries[1].path.unlink()
    staging = Staging(catalog, Fixed(entries[:2]))
    assert staging.plan == plan(total=2, unchanged=1, missing=1, vanished=2)
    assert staging.vanished(limit=1) == ["2.png"]
    assert keys(staging) == []
    assert staging.prune() == 2
    # What is named but not there stays: its disk may only not be mounted.
    assert [item.key for item in catalog.items()] == ["0.png", "1.png"]


def test_pruning_forgets_failures_the_source_does_not_name(
    catalog: Catalog, tmp_path: Path
) -> None:
    entry = write(tmp_path, "a.png")
    with catalog.transaction():
        catalog.put_failures([Failure(k, "", 1, 1, "why") for k in ("a.png", "gone.png")])
    staging = Staging(catalog, Fixed([entry]))
    assert staging.prune() == 0
    assert [failure.key for failure in catalog.failures()] == ["a.png"]


def test_a_failure_is_work_again_only_when_changed_or_asked_for(
    catalog: Catalog, tmp_path: Path
) -> None:
    bad, gone = write(tmp_path, "a.png"), Entry("gone.png", tmp_path / "gone.png")
    named = Entry(r"caf\xe9.png", tmp_path / "x", problem="its name is not UTF-8")
    source = Fixed([bad, gone, named])
    staging = Staging(catalog, source)
    assert staging.plan.new == 3
    failures = [
        Failure(work.entry.key, str(work.entry.path), work.size, work.mtime_ns, "why")
        for work in staging.work()
    ]
    with catalog.transaction():
        catalog.put_failures(failures)
    staging = Staging(catalog, source)
    assert staging.plan == plan(total=3, failed_before=3)
    assert keys(staging) == []
    assert Staging(catalog, source, retry=True).plan.new == 3
    gone.path.write_bytes(b"there now")
    os.utime(bad.path, ns=(1, 1))
    staging = Staging(catalog, source)
    assert staging.plan == plan(total=3, new=2, failed_before=1)
    assert keys(staging) == ["a.png", "gone.png"]


def test_a_failure_at_another_path_is_work(catalog: Catalog, tmp_path: Path) -> None:
    first, second = write(tmp_path, "a.png"), write(tmp_path, "b.png")
    for entry in (first, second):
        os.utime(entry.path, ns=(5, 5))
    with catalog.transaction():
        catalog.put_failures([Failure("a.png", str(first.path), 7, 5, "why")])
    moved = Entry("a.png", second.path)
    assert Staging(catalog, Fixed([first])).plan == plan(total=1, failed_before=1)
    assert Staging(catalog, Fixed([moved])).plan == plan(total=1, new=1)


def test_an_item_whose_file_went_bad_stays_and_has_not_vanished(
    catalog: Catalog, tmp_path: Path
) -> None:
    entry = write(tmp_path, "a.png")
    store(catalog, entry)
    entry.path.write_bytes(b"garbage now")
    staging = Staging(catalog, Fixed([entry]))
    assert staging.plan.changed == 1
    (work,) = staging.work()
    with catalog.transaction():
        catalog.put_failures([Failure("a.png", str(entry.path), work.size, work.mtime_ns, "why")])
    staging = Staging(catalog, Fixed([entry]))
    assert staging.plan == plan(total=1, failed_before=1)
    assert staging.vanished(limit=9) == []


def test_the_same_picture_twice_is_counted_once(catalog: Catalog, tmp_path: Path) -> None:
    entry = write(tmp_path, "a.png")
    staging = Staging(catalog, Fixed([entry, entry, entry]))
    assert staging.plan == plan(total=1, new=1, repeated=2)


@pytest.mark.parametrize("metadata", [{}, {"color": "red"}])
def test_one_key_for_two_pictures_or_labels_is_refused(
    catalog: Catalog, tmp_path: Path, metadata: dict[str, str]
) -> None:
    entry = write(tmp_path, "a.png")
    other = Entry("a.png", entry.path if metadata else tmp_path / "b.png", metadata)
    with pytest.raises(SourceError, match=r"source 'fixed' has the key 'a\.png' twice, for"):
        Staging(catalog, Fixed([entry, other]))
    assert not catalog.connection.in_transaction
    assert Staging(catalog, Fixed([entry])).plan == plan(total=1, new=1)


def test_work_is_read_in_pages_while_batches_are_committed(
    catalog: Catalog, tmp_path: Path
) -> None:
    entry = write(tmp_path, "a.png")
    entries = [Entry(f"{n:05}", entry.path) for n in range(2500)]
    ticks = list[int]()
    staging = Staging(catalog, Fixed(entries), tick=ticks.append)
    seen = []
    for work in staging.work():
        if len(seen) % 500 == 0:
            store(catalog, work.entry)
        seen.append(work.entry.key)
    assert seen == [entry.key for entry in entries]
    assert ticks == [1000, 2000]


def test_reading_the_source_keeps_nobody_from_writing(catalog: Catalog, tmp_path: Path) -> None:
    entry = write(tmp_path, "a.png")

    class Slow(Fixed):
        def entries(self) -> Iterator[Entry]:
            yield entry
            other = sqlite3.connect(tmp_path / "catalog.sqlite", timeout=0)
            other.execute("INSERT INTO columns VALUES ('x', 'text', 0)")
            other.commit()
            other.close()

    Staging(catalog, Slow([]))
    assert catalog.columns() == {"x": ("text", False)}


@pytest.mark.parametrize("data", [b"picture", b"another"])
def test_a_failure_is_cleared_once_the_picture_is_what_it_was(
    catalog: Catalog, tmp_path: Path, data: bytes
) -> None:
    entry = write(tmp_path, "a.png")
    store(catalog, entry)
    with catalog.transaction():
        catalog.put_failures([Failure("a.png", str(entry.path), 3, 3, "why")])
        catalog.put_failures([Failure("other.png", "/other.png", 3, 3, "why")])
    write(tmp_path, "a.png", data)
    os.utime(entry.path, ns=(9, 9))
    staging = Staging(catalog, Fixed([entry]))
    staging.relabel()
    same = data == b"picture"
    assert (staging.plan.relabelled, staging.plan.changed) == (int(same), int(not same))
    left = ["other.png"] if same else ["a.png", "other.png"]
    assert [failure.key for failure in catalog.failures()] == left


def test_a_disk_too_full_for_the_plan_is_named_and_nothing_stays_open(
    catalog: Catalog, tmp_path: Path
) -> None:
    catalog.connection.execute("PRAGMA temp.max_page_count = 10")
    entries = [Entry(f"{n:05}" * 20, tmp_path / f"{n}.png") for n in range(2000)]
    with pytest.raises(CatalogError, match=r"catalog\.sqlite' cannot be used: .*full"):
        Staging(catalog, Fixed(entries))
    assert not catalog.connection.in_transaction
    catalog.connection.execute("PRAGMA temp.max_page_count = 100000")
    assert Staging(catalog, Fixed(entries)).plan.new == 2000


def test_what_sqlite_finds_wrong_later_is_a_catalog_error_too(
    catalog: Catalog, tmp_path: Path
) -> None:
    staging = Staging(catalog, Fixed([write(tmp_path, "a.png")]))
    catalog.connection.execute("DROP TABLE temp.staged")
    for call in (lambda: keys(staging), lambda: staging.vanished(9), staging.relabel):
        with pytest.raises(CatalogError, match="no such table"):
            call()
