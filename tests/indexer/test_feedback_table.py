"""Judgements in the catalog: recorded once, replaced, listed, removed, outliving their items."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.backup import back_up, restore
from indexer.catalog import Catalog
from indexer.errors import (
    CatalogError,
    FeedbackFullError,
    IndexFolderError,
    ReadOnlyError,
    SchemaError,
)
from indexer.feedback import Example, Judgement, Shown, pack, unpack
from indexer.feedback_table import FeedbackTable
from indexer.local import LocalStore
from models.extraction import PoolName

A, B, C = (Shown(f"{key}.png", 1, slot) for slot, key in enumerate("abc"))
PICTURE, RED = Example("1" * 64), Example("2" * 64, '[["#ff0000", 1.0]]')
POOLS = {PICTURE.digest: b"picture", RED.digest: b"red"}
MOST = 100


@pytest.fixture
def table(fake_index: Path) -> FeedbackTable:
    return LocalStore(fake_index).feedback


def pair(
    query: Shown | Example, hit: Shown, *, same: bool = True, attribute: str = "color"
) -> Judgement:
    return Judgement(attribute, query, hit, same)


def plain(found: list[Judgement]) -> list[Judgement]:
    return [replace(one, id=0, time="") for one in found]


def test_what_was_recorded_is_read_back_by_another_store(
    table: FeedbackTable, fake_index: Path
) -> None:
    given = [
        pair(A, B),
        replace(pair(PICTURE, C, same=False), key_id="0123abcd"),
        pair(RED, C, attribute="texture"),
    ]
    assert table.put(given, POOLS, MOST) == ["created"] * 3
    with closing(LocalStore(fake_index, read_only=True)) as other:
        found = list(other.feedback.every())
        assert plain(found) == given
        assert [one.id for one in found] == [1, 2, 3]
        assert all(one.time.endswith("+00:00") for one in found)
        assert other.feedback.pools([RED.digest, PICTURE.digest, "none"]) == POOLS
        assert other.feedback.count() == 3
        assert other.feedback.count("texture") == 1
        assert other.feedback.counts() == {"color": (1, 1), "texture": (1, 0)}
        assert other.feedback.check() == []


def test_the_same_judgement_twice_is_one_and_the_opposite_replaces_it(
    table: FeedbackTable,
) -> None:
    assert table.put([pair(A, B), pair(A, B)], {}, MOST) == ["created", "unchanged"]
    assert table.put([pair(B, A)], {}, MOST) == ["unchanged"]  # whichever of the two was asked
    assert table.put([pair(A, B, same=False)], {}, MOST) == ["replaced"]
    assert plain(list(table.every())) == [pair(A, B, same=False)]
    assert table.put([pair(PICTURE, B)], POOLS, MOST) == ["created"]
    assert table.put([pair(PICTURE, B, same=False)], POOLS, MOST) == ["replaced"]
    others = [pair(A, B, attribute="texture"), pair(A, replace(B, version=2, slot=9))]
    assert table.put(others, {}, MOST) == ["created", "created"]
    assert table.count() == 4
    assert table.check() == []


def test_pages_go_on_after_an_id(table: FeedbackTable) -> None:
    hits = [Shown(f"{slot}", 1, slot) for slot in range(10, 17)]
    attributes = ["color" if hit.slot % 2 else "texture" for hit in hits]
    table.put(
        [pair(A, hit, attribute=name) for hit, name in zip(hits, attributes, strict=True)], {}, MOST
    )
    assert [one.id for one in table.page(None, 0, 3)] == [1, 2, 3]
    assert [one.id for one in table.page(None, 3, 10)] == [4, 5, 6, 7]
    assert [one.hit.slot for one in table.page("color", 2, 2)] == [13, 15]


def test_removed_judgements_take_the_examples_that_none_needs_with_them(
    table: FeedbackTable,
) -> None:
    table.put([pair(PICTURE, A), pair(PICTURE, B), pair(RED, A)], POOLS, MOST)
    assert table.remove([1, 3, 3, 99]) == [1, 3]
    assert table.pools([*POOLS]) == {PICTURE.digest: POOLS[PICTURE.digest]}
    assert table.remove([2]) == [2]
    assert table.pools([*POOLS]) == {}
    table.put([pair(A, B)], {}, MOST)
    assert [one.id for one in table.every()] == [4]  # an id is never another's


def test_more_than_an_index_keeps_are_refused_together(table: FeedbackTable) -> None:
    table.put([pair(A, B)], {}, 2)
    with pytest.raises(FeedbackFullError, match=r"has 1 judgements, and 2 more .* limit of 2"):
        table.put([pair(A, C), pair(B, C)], {}, 2)
    assert plain(list(table.every())) == [pair(A, B)]
    table.put([pair(A, C)], {}, 2)
    assert table.put([pair(A, C, same=False), pair(A, B)], {}, 2) == ["replaced", "unchanged"]


def test_nothing_is_recorded_if_one_fails(table: FeedbackTable) -> None:
    with pytest.raises(KeyError):
        table.put([pair(A, B), pair(PICTURE, B)], {}, MOST)
    assert table.count() == 0


def test_read_only_index_takes_no_judgement(table: FeedbackTable, fake_index: Path) -> None:
    table.put([pair(A, B)], {}, MOST)
    with closing(LocalStore(fake_index, read_only=True)) as store:
        with pytest.raises(ReadOnlyError):
            store.feedback.put([pair(A, C)], {}, MOST)
        with pytest.raises(ReadOnlyError):
            store.feedback.remove([1])
        assert store.feedback.count() == 1


def test_judgements_outlive_their_items_and_a_backup(fake_index: Path, tmp_path: Path) -> None:
    with closing(LocalStore(fake_index)) as store:
        keys = [item.key for item in store.items_after(None, 2)]
        shown = [Shown(one.key, one.version, one.slot) for one in store.items_after(None, 2)]
        given = [pair(shown[0], shown[1]), pair(PICTURE, shown[1])]
        store.feedback.put(given, POOLS, MOST)
        store.remove(keys)
        store.rebuild()
        assert plain(list(store.feedback.every())) == given
        back_up(store, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "restored")
    with closing(LocalStore(tmp_path / "restored")) as restored:
        assert plain(list(restored.feedback.every())) == given
        assert restored.feedback.pools([PICTURE.digest]) == {PICTURE.digest: b"picture"}


def damage(index: Path, sql: str) -> None:
    with closing(sqlite3.connect(index / "catalog.sqlite", isolation_level=None)) as db:
        db.execute(sql)


def test_damage_is_named(table: FeedbackTable, fake_index: Path) -> None:
    table.put([pair(A, B), pair(PICTURE, A), pair(RED, A)], POOLS, MOST)
    damage(fake_index, "UPDATE feedback SET same = 0 WHERE id = 1")
    damage(fake_index, "UPDATE feedback_examples SET pools = x'00' WHERE digest LIKE '1%'")
    damage(fake_index, "DELETE FROM feedback_examples WHERE digest LIKE '2%'")
    assert table.check() == [
        "judgement 1 is not what was written",
        "the example 111111111111 of a judgement is not what was written",
        "the example of judgement 3 is lost",
    ]
    with pytest.raises(CatalogError, match=r"the example 1111.* remove the judgements of it"):
        table.pools([PICTURE.digest])


def test_catalog_of_an_older_release_gets_its_tables(fake_index: Path, tmp_path: Path) -> None:
    for name in ("feedback", "feedback_examples"):
        damage(fake_index, f"DROP TABLE {name}")
    shutil.copytree(fake_index, tmp_path / "copy")
    with pytest.raises(SchemaError, match="open the index once where it can be written to"):
        Catalog(tmp_path / "copy" / "catalog.sqlite", read_only=True)
    with closing(LocalStore(fake_index)) as store:
        assert store.feedback.put([pair(A, B)], {}, MOST) == ["created"]
        assert store.count() == 20


def test_pools_are_packed_as_halves_in_their_order() -> None:
    widths = {PoolName(1, "gap"): 2, PoolName(2, "foreground"): 3}
    random = np.random.default_rng(0)
    pools = {name: random.random((4, width)).astype(np.float32) for name, width in widths.items()}
    packed = [pack(pools, list(widths), row) for row in (2, 0)]
    assert [len(one) for one in packed] == [10, 10]
    found = unpack(packed, widths)
    for name, rows in pools.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], rows[[2, 0]].astype(np.float16))
    with pytest.raises(IndexFolderError, match="an example has 5 numbers, not 4"):
        unpack(packed, {PoolName(1, "gap"): 4})
    pools[PoolName(1, "gap")][0, 0] = 1e6
    with pytest.raises(IndexFolderError, match="not finite in float16"):
        pack(pools, list(widths), 0)
