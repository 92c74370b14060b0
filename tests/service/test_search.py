"""Search against brute force over the catalog's own pools."""

from pathlib import Path

import numpy as np
import pytest

from models.errors import BlockError, PictureError, UnknownNameError
from service.errors import QueryError
from service.opening import Opened
from service.query import Query
from tests.fakes import FakeExtractor


def query(**term: object) -> Query:
    return Query.model_validate({"terms": [term], "limit": 20})


def brute_force(opened: Opened, attribute: str, key: str) -> list[str]:
    """Return keys by falling cosine of root, centred pools, computed without the index."""
    items = list(opened.store.items())
    space = opened.store.manifest.space_of_attribute(attribute)
    slots = np.array([item.slot for item in items])
    raw = opened.store.pools(slots, space.pools)[space.pools[0]].astype(np.float64)
    centred = np.sqrt(raw) - np.sqrt(raw).mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    at = [item.key for item in items].index(key)
    return [items[i].key for i in np.argsort(-(unit @ unit[at]))]


@pytest.mark.parametrize("attribute", ["color", "texture"])
def test_hits_are_those_of_brute_force(opened: Opened, attribute: str) -> None:
    answer = opened.searcher.answer(query(attribute=attribute, image={"key": "007.png"}), {})
    assert [hit.key for hit in answer.hits] == brute_force(opened, attribute, "007.png")


def test_picture_gives_the_hits_of_its_key(opened: Opened, pictures: Path) -> None:
    data = (pictures / "007.png").read_bytes()
    by_key = opened.searcher.answer(query(attribute="color", image={"key": "007.png"}), {})
    by_part = opened.searcher.answer(query(attribute="color", image={"part": "a"}), {"a": data})
    assert [hit.key for hit in by_part.hits] == [hit.key for hit in by_key.hits]


def test_network_runs_only_the_block_that_is_asked_for(
    opened: Opened, extractor: FakeExtractor, pictures: Path
) -> None:
    parts = {"a": (pictures / "007.png").read_bytes()}
    opened.searcher.answer(query(attribute="color", image={"part": "a"}), parts)
    assert extractor.blocks == {1}


def test_key_never_runs_the_network(opened: Opened, extractor: FakeExtractor) -> None:
    opened.searcher.answer(query(attribute="color", image={"key": "007.png"}), {})
    assert extractor.pictures == 0


def test_block_without_an_index_is_scanned_exactly(opened: Opened) -> None:
    answer = opened.searcher.answer(query(block=2, image={"key": "007.png"}), {})
    assert answer.exact
    assert answer.hits[0].key == "007.png"
    assert len(answer.hits) == 20


def test_item_removed_after_the_view_was_taken_is_left_out_of_a_whole_answer(
    opened: Opened, fake_index: Path
) -> None:
    from indexer.catalog import Catalog

    opened.store.view()
    catalog = Catalog(fake_index / "catalog.sqlite", writable=True)
    with catalog.transaction() as db:
        db.execute("DELETE FROM items WHERE key = '007.png'")
    catalog.close()
    answer = opened.searcher.answer(query(attribute="color", image={"key": "003.png"}), {})
    assert "007.png" not in [hit.key for hit in answer.hits]
    assert len(answer.hits) == 19


def test_errors_name_what_is_wrong(opened: Opened) -> None:
    answer = opened.searcher.answer
    with pytest.raises(UnknownNameError, match=r"'shape'.*color, texture"):
        answer(query(attribute="shape", image={"key": "007.png"}), {})
    with pytest.raises(BlockError, match=r"block 5 .* stores blocks 1, 2, 3, 4"):
        answer(query(block=5, image={"key": "007.png"}), {})
    with pytest.raises(QueryError, match="no item has the key 'x'"):
        answer(query(attribute="color", image={"key": "x"}), {})
    with pytest.raises(QueryError, match=r"no part 'b' was sent; sent were 'a'"):
        answer(query(attribute="color", image={"part": "b"}), {"a": b""})
    with pytest.raises(PictureError, match="part 'a': it has zero bytes"):
        answer(query(attribute="color", image={"part": "a"}), {"a": b""})
