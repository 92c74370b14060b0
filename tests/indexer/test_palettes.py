"""Palettes of items: kept, read out of catalogs that have none yet, and filled in by a build."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.catalog import Catalog
from indexer.errors import CatalogError
from indexer.local import LocalStore
from indexer.local_engine import LocalEngine
from indexer.records import Item
from indexer.sources import Entry
from indexer.staging import Work
from models.dominant import Dominant, dominant_colors
from models.extraction import PoolName
from models.images import Limits, decode
from models.preprocess import to_square
from tests.fakes import SMALL, FakeExtractor, build_fake
from tests.indexer.batches import never, run_with
from tests.indexer.contents import contents, item, put

RED = (Dominant(1.0, "#ff0000", "red"),)


def make_old(path: Path) -> None:
    """Make a catalog what it was before palettes were kept."""
    with closing(sqlite3.connect(path)) as connection:
        for trigger in ("removed", "replaced", "relabelled"):
            connection.execute(f"DROP TRIGGER item_{trigger}")
        for table in ("changes", "documents"):
            connection.execute(f"DROP TABLE {table}")
        for column in ("palette", "checksums", "seal"):
            connection.execute(f"ALTER TABLE items DROP COLUMN {column}")


def forget_palettes(path: Path, where: str = "TRUE") -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE items SET palette = NULL WHERE {where}")


def stored(index: Path) -> dict[str, Item]:
    with closing(LocalStore(index)) as store:
        return {one.key: one for one in store.items()}


@pytest.fixture
def old(path: Path) -> Path:
    """A catalog of two items from before palettes were kept."""
    with closing(Catalog(path, writable=True)) as catalog:
        put(catalog, item("a", 0), item("b", 1))
    make_old(path)
    return path


# --- the catalog -------------------------------------------------------------------------------


@pytest.mark.parametrize("palette", [None, (), RED, (*RED, Dominant(0.0304, "#1b1b1e", "black"))])
def test_a_palette_comes_back_as_it_was(
    catalog: Catalog, palette: tuple[Dominant, ...] | None
) -> None:
    put(catalog, item("a", 0, palette=palette))
    assert catalog.item("a") == item("a", 0, palette=palette)
    assert catalog.items_in([0]) == {0: item("a", 0, palette=palette)}


def test_palettes_are_listed_by_slot_as_json(catalog: Catalog) -> None:
    put(catalog, item("a", 3, palette=RED), item("b", 7, palette=None), item("c", 9, palette=()))
    palettes = dict(catalog.palettes_from(0))
    assert json.loads(palettes[3] or "") == [{"weight": 1.0, "hex": "#ff0000", "name": "red"}]
    assert palettes == {3: palettes[3], 7: None, 9: "[]"}
    assert dict(catalog.palettes_from(4)) == {7: None, 9: "[]"}
    assert catalog.palettes_from(10) == []


@pytest.mark.parametrize("damage", ['{"n"! 300}', "5", "[5]", '[{"weight": 1}]'])
def test_a_damaged_palette_is_named(catalog: Catalog, damage: str) -> None:
    put(catalog, item("a", 0), item("b", 1))
    catalog.connection.execute("UPDATE items SET palette = ? WHERE key = 'a'", (damage,))
    with pytest.raises(CatalogError, match="palette of 'a' is damaged"):
        catalog.item("a")
    assert catalog.item("b") == item("b", 1)


def test_a_check_finds_palettes_that_are_no_json(catalog: Catalog) -> None:
    put(catalog, item("a", 0), item("b", 1, palette=None))
    assert catalog.check() == []
    catalog.connection.execute("UPDATE items SET palette = 'x' WHERE key = 'a'")
    assert catalog.check() == ["the row of 'a' is not what was written"]


# --- a catalog from before palettes were kept --------------------------------------------------


def test_an_old_catalog_is_brought_up_when_it_is_opened(old: Path) -> None:
    with closing(Catalog(old)) as reader:
        expected = [item("a", 0, palette=None), item("b", 1, palette=None)]
        assert list(reader.items()) == expected
        assert reader.items_after(None, 5) == expected
        assert reader.item("a") == expected[0]
        assert reader.items_in([1]) == {1: expected[1]}
        assert sorted(reader.palettes_from(0)) == [(0, None), (1, None)]
        assert reader.check() == []


def test_an_old_catalog_opened_to_write_takes_palettes(old: Path) -> None:
    for _ in range(2):
        with closing(Catalog(old, writable=True)) as catalog:
            assert catalog.item("b") == item("b", 1, palette=None)
            put(catalog, item("a", 2, palette=RED))
            assert catalog.item("a") == item("a", 2, palette=RED)


def test_a_reader_of_an_old_catalog_sees_the_palettes_that_come(old: Path) -> None:
    with closing(Catalog(old)) as reader:
        assert reader.item("a") == item("a", 0, palette=None)
        with closing(Catalog(old, writable=True)) as writer:
            put(writer, item("a", 2, palette=RED))
        assert reader.item("a") == item("a", 2, palette=RED)
        assert len(reader.palettes_from(2)) == 1


# --- the build ---------------------------------------------------------------------------------


def test_the_engine_finds_the_colors_of_the_square_that_the_network_sees(tmp_path: Path) -> None:
    pixels = np.full((16, 16, 3), 255, np.uint8)
    pixels[4:12, 4:8], pixels[4:12, 8:12] = (200, 30, 40), (20, 60, 160)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (batch,) = LocalEngine(SMALL, Limits()).run(
        [Work(Entry("a", tmp_path / "a.png"), 1, 1)], FakeExtractor, [PoolName(1, "gap")]
    )
    square = to_square(decode((tmp_path / "a.png").read_bytes()), SMALL)
    (embedded,) = batch.embedded
    assert embedded.palette == dominant_colors(square, None, SMALL.white)
    assert {one.name for one in embedded.palette} == {"red", "blue"}


def test_a_build_stores_the_palette_of_every_item(fake_index: Path, pictures: Path) -> None:
    for key, one in stored(fake_index).items():
        square = to_square(decode((pictures / key).read_bytes()), SMALL)
        assert one.palette == dominant_colors(square, None, SMALL.white)
        assert one.palette


def test_the_next_build_of_an_old_index_fills_palettes_in(fake_index: Path, pictures: Path) -> None:
    before = stored(fake_index)
    make_old(fake_index / "catalog.sqlite")
    with closing(LocalStore(fake_index)) as store:
        assert store.view()
        assert {one.palette for one in store.items()} == {None}
    extractor = FakeExtractor()
    assert build_fake(fake_index, pictures, extractor=extractor).plan.changed == 20
    assert extractor.pictures == 20
    after = stored(fake_index)
    assert {key: one.palette for key, one in after.items()} == {
        key: one.palette for key, one in before.items()
    }
    run_with(fake_index, pictures, never)


def test_a_filling_that_is_stopped_goes_on(fake_index: Path, pictures: Path) -> None:
    whole = {key: one.palette for key, one in stored(fake_index).items()}
    make_old(fake_index / "catalog.sqlite")
    with pytest.raises(KeyboardInterrupt):
        build_fake(fake_index, pictures, extractor=FakeExtractor(after=8))
    extractor = FakeExtractor()
    build_fake(fake_index, pictures, extractor=extractor)
    assert extractor.pictures == 12
    assert {key: one.palette for key, one in stored(fake_index).items()} == whole


def test_only_items_without_a_palette_are_read_again(fake_index: Path, pictures: Path) -> None:
    forget_palettes(fake_index / "catalog.sqlite", "key < '003.png'")
    extractor = FakeExtractor()
    assert build_fake(fake_index, pictures, extractor=extractor).plan.changed == 3
    assert extractor.pictures == 3
    assert contents(fake_index)


def test_an_item_without_a_palette_is_read_again_though_only_its_file_time_is_new(
    fake_index: Path, pictures: Path
) -> None:
    forget_palettes(fake_index / "catalog.sqlite", "key < '003.png'")
    for name in ("001.png", "007.png"):
        os.utime(pictures / name, (1, 1))
    plan = build_fake(fake_index, pictures).plan
    assert (plan.changed, plan.relabelled) == (3, 1)
    assert all(one.palette for one in stored(fake_index).values())


def test_an_item_whose_file_is_gone_stays_without_a_palette(
    fake_index: Path, pictures: Path, tmp_path: Path
) -> None:
    listing = tmp_path / "listing.txt"
    listing.write_text("\n".join(f"pictures/{name.name}" for name in sorted(pictures.iterdir())))
    build_fake(tmp_path / "other", listing)
    forget_palettes(tmp_path / "other" / "catalog.sqlite")
    (pictures / "000.png").unlink()
    plan = build_fake(tmp_path / "other", listing).plan
    assert (plan.changed, plan.missing) == (19, 1)
    assert stored(tmp_path / "other")["pictures/000.png"].palette is None
