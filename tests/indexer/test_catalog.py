"""The catalog: what is committed is there, typed as it came, and nothing else is."""

from pathlib import Path

import numpy as np
import pytest

from indexer.catalog import Catalog
from indexer.records import Failure
from tests.indexer.contents import item, put

KEYS = [
    "shoes/red/17.jpg",
    " leading and trailing ",
    "100%.png",
    "a%2Fb#c?d&e.png",
    'it\'s "quoted".png',
    "🧶/👗🏽.png",
    "布/الأزرق/ткань.jpg",
    "e\u0301 is not \u00e9",
    "back\\slash\ttab\nnewline",
    "k" * 20_000,
]


def test_any_text_is_a_key_and_comes_back_as_it_was(catalog: Catalog) -> None:
    items = [item(key, slot) for slot, key in enumerate(KEYS)]
    put(catalog, *items)
    assert [catalog.item(key) for key in KEYS] == items
    assert [one.key for one in catalog.items()] == sorted(KEYS, key=str.encode)
    assert catalog.item("e\u0301 is not e\u0301") is None


def test_metadata_keeps_each_value_and_its_type(catalog: Catalog) -> None:
    metadata = {"i": 3, "f": 3.0, "t": True, "n": None, "s": "03", "größe": "XL", "big": 2**62}
    put(catalog, item("a", 0, metadata=metadata))
    found = catalog.item("a")
    assert found is not None
    assert found.metadata == metadata
    assert [type(value) for value in found.metadata.values()] == [
        int, float, bool, type(None), str, str, int,
    ]  # fmt: skip


def test_items_in_answers_for_more_slots_than_one_statement_takes(catalog: Catalog) -> None:
    put(catalog, *(item(f"{slot:05}", slot) for slot in range(12_000)))
    asked = [*range(11_999, -1, -1), 50_000]
    found = catalog.items_in(asked)
    assert len(found) == 12_000
    assert all(found[slot].key == f"{slot:05}" for slot in range(12_000))


def test_items_in_takes_slots_of_numpy(catalog: Catalog) -> None:
    put(catalog, item("a", 0), item("b", 1))
    assert list(catalog.items_in(np.array([1]))) == [1]


def test_items_after_pages_through_all_keys_once(catalog: Catalog) -> None:
    put(catalog, *(item(key, slot) for slot, key in enumerate(KEYS)))
    seen: list[str] = []
    while page := catalog.items_after(seen[-1] if seen else None, 3):
        seen += [one.key for one in page]
    assert seen == sorted(KEYS, key=str.encode)


def test_an_error_in_a_transaction_undoes_all_of_it(catalog: Catalog) -> None:
    put(catalog, item("kept", 0))

    def fail_half_way() -> None:
        with catalog.transaction():
            catalog.put([item("lost", 1)])
            catalog.put_failures([Failure("bad", "", None, None, "why")])
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    assert catalog.count() == 1
    assert catalog.next_slot() == 1
    assert catalog.failure_count() == 0
    put(catalog, item("later", 1))


def test_a_reader_sees_nothing_of_a_transaction_before_its_commit(
    catalog: Catalog, path: Path
) -> None:
    put(catalog, item("a", 0))
    reader = Catalog(path)
    with catalog.transaction():
        catalog.put([item("b", 1)])
        assert (reader.count(), reader.next_slot()) == (1, 1)
        assert reader.item("b") is None
    assert (reader.count(), reader.next_slot()) == (2, 2)
    reader.close()


def test_slots_of_deleted_items_are_never_given_out_again(catalog: Catalog) -> None:
    put(catalog, item("a", 0), item("b", 1))
    with catalog.transaction() as db:
        db.execute("DELETE FROM items")
    assert catalog.next_slot() == 2
    assert catalog.live_slots().tolist() == []


def test_the_next_slot_never_goes_back(catalog: Catalog) -> None:
    put(catalog, item("a", 5))
    put(catalog, item("b", 2))
    assert catalog.next_slot() == 6


def test_a_replaced_item_leaves_its_slot(catalog: Catalog) -> None:
    put(catalog, item("a", 0), item("b", 1))
    put(catalog, item("a", 2, version=2))
    assert catalog.live_slots().tolist() == [1, 2]
    assert catalog.live_slots(start=2).tolist() == [2]
    assert catalog.live_slots().dtype == np.int64


def test_storing_an_item_clears_its_failure_and_no_other(catalog: Catalog) -> None:
    failures = [Failure("a", "/a", 3, 4, "damaged"), Failure("b", "/b", None, None, "gone")]
    with catalog.transaction():
        catalog.put_failures(failures)
    assert catalog.failures() == failures
    assert catalog.failures(limit=1) == failures[:1]
    put(catalog, item("a", 0))
    assert catalog.failures() == failures[1:]


def test_columns_that_differ_in_case_only_are_two(catalog: Catalog) -> None:
    with catalog.transaction():
        catalog.put_columns({"Color": "text", "color": "integer"}, ["Color"])
    assert catalog.columns() == {"Color": ("text", True), "color": ("integer", False)}


def test_a_column_once_indexed_stays_so_and_takes_a_new_type(catalog: Catalog) -> None:
    with catalog.transaction():
        catalog.put_columns({"size": "integer"}, ["size"])
        catalog.put_columns({"size": "text"}, [])
    assert catalog.columns() == {"size": ("text", True)}
