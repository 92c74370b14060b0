"""Search against brute force over the catalog's own pools."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.creation import create_index
from indexer.errors import UnknownKeyError
from indexer.filters import FilterLimits
from indexer.local import LocalStore, open_for_writing
from models.errors import BlockError, HueweaveError, PictureError, UnknownNameError
from models.images import Limits
from service.errors import QueryError
from service.opening import Opened
from service.query import Query
from service.search import QueryLimits, Searcher
from tests.fakes import FakeExtractor, manifest
from tests.oracle import plain_vectors


def query(**term: object) -> Query:
    return Query.model_validate({"terms": [term], "limit": 20})


def brute_force(opened: Opened, attribute: str, key: str) -> list[str]:
    """Return keys by falling cosine of vectors made of pools, without the index."""
    items = list(opened.store.items())
    space = opened.store.manifest.space_of_attribute(attribute)
    slots = np.array([item.slot for item in items])
    unit = plain_vectors(space, opened.store.pools(slots, space.pools))
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
    # Pools are stored in float16: of what is hardly alike the order may be another.
    assert [hit.key for hit in by_part.hits[:5]] == [hit.key for hit in by_key.hits[:5]]
    similarity = by_part.hits[0].terms[0].similarity
    assert similarity == pytest.approx(1, abs=1e-3)


def test_network_runs_only_the_blocks_that_are_asked_for(
    opened: Opened, extractor: FakeExtractor, pictures: Path
) -> None:
    parts = {"a": (pictures / "007.png").read_bytes()}
    opened.searcher.answer(query(attribute="color", image={"part": "a"}), parts)
    assert extractor.blocks == {1, 2}


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


# --- composed queries -------------------------------------------------------------------------

COLOR = {"attribute": "color", "image": {"key": "007.png"}}
TEXTURE = {"attribute": "texture", "weight": 0.5, "image": {"key": "003.png"}}
BLOCK = {"block": 2, "weight": -0.2, "image": {"key": "001.png"}}


def composed(**fields: Any) -> Query:
    return Query.model_validate({"terms": [COLOR, TEXTURE, BLOCK], **fields})


def test_hit_tells_its_similarity_and_score_in_each_term(opened: Opened) -> None:
    answer = opened.searcher.answer(composed(), {})
    assert [len(hit.terms) for hit in answer.hits] == [3] * 20
    for at, term in enumerate((COLOR, TEXTURE, BLOCK)):
        alone = opened.searcher.answer(query(**{**term, "weight": 1.0}), {})
        expected = {hit.key: hit.terms[0] for hit in alone.hits}
        for hit in answer.hits:
            found, own = hit.terms[at], expected[hit.key]
            assert (found.attribute, found.block) == (own.attribute, own.block)
            assert found.similarity == pytest.approx(own.similarity, abs=1e-5)
            assert found.score == pytest.approx(own.score, abs=1e-4)


def test_score_of_a_single_term_is_the_hit_s(opened: Opened) -> None:
    for hit in opened.searcher.answer(query(**COLOR), {}).hits:
        assert hit.score == hit.terms[0].score


def test_hits_come_best_first_and_score_enough(opened: Opened) -> None:
    whole = opened.searcher.answer(composed(), {})
    scores = [hit.score for hit in whole.hits]
    assert scores == sorted(scores, reverse=True)
    assert whole.next_cursor is None
    enough = opened.searcher.answer(composed(min_score=scores[7]), {})
    assert [hit.key for hit in enough.hits] == [hit.key for hit in whole.hits[:8]]
    assert opened.searcher.answer(composed(min_score=1.0), {}).hits == []


def test_filter_leaves_the_order_and_scores_of_what_passes(opened: Opened) -> None:
    whole = opened.searcher.answer(composed(), {})
    shows = [hit.key for hit in whole.hits if "green" in dominant(opened, hit.key)]
    assert 0 < len(shows) < 20
    narrow = opened.searcher.answer(composed(filter={"shows": "green"}), {})
    assert [hit.key for hit in narrow.hits] == shows
    scores = {hit.key: hit.score for hit in whole.hits}
    assert [hit.score for hit in narrow.hits] == pytest.approx([scores[key] for key in shows])


def dominant(opened: Opened, key: str) -> list[str]:
    item = opened.store.item(key)
    return [color.name for color in (item.palette if item and item.palette else ())]


def test_empty_index_has_no_hits(tmp_path: Path, pictures: Path) -> None:
    create_index(tmp_path / "bare", manifest())
    with open_for_writing(tmp_path / "bare") as store:
        store.checkpoint()
    store = LocalStore(tmp_path / "bare")
    searcher = Searcher(store, FakeExtractor(), Limits())
    data = {"a": (pictures / "001.png").read_bytes()}
    palette = {"attribute": "color", "palette": [{"hex": "#fff"}, {"any": 1}]}
    for terms in ([{"block": 2, "image": {"part": "a"}}], [palette]):
        answer = searcher.answer(Query.model_validate({"terms": terms}), data)
        assert (answer.hits, answer.exact, answer.next_cursor) == ([], True, None)
    store.close()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"limit": 6}, "limit is 6: expected 1 to 5"),
        ({"limit": 3, "explain": True}, "limit is 3: expected 1 to 2 with explain"),
        ({"limit": 1, "terms": [COLOR] * 4}, "terms has 4: expected at most 3"),
        ({"limit": 1, "filter": {"not": {"not": {"shows": "red"}}}}, "filter is nested 2 deep"),
        ({"limit": 1, "filter": {"column": "shop", "eq": 1}}, "unknown metadata column 'shop'"),
    ],
)
def test_more_than_may_be_asked_for_is_named_with_what_may(
    opened: Opened, fields: dict[str, Any], words: str
) -> None:
    limits = QueryLimits(limit=5, terms=3, explained=2, filter=FilterLimits(max_depth=1))
    searcher = Searcher(opened.store, FakeExtractor(), Limits(), limits)
    searcher.check(composed(limit=2, explain=True))
    with pytest.raises(HueweaveError, match=words):
        searcher.check(composed(**fields))


def test_explained_hits_say_why_unless_their_picture_is_gone(
    opened: Opened, pictures: Path
) -> None:
    (pictures / "007.png").unlink()
    answer = opened.searcher.answer(composed(limit=5, explain=True), {})
    assert {hit.key for hit in answer.hits if hit.why is None} == {"007.png"} & {
        hit.key for hit in answer.hits
    }
    for hit in answer.hits:
        if hit.why:
            similarities = [term.similarity for term in hit.why.terms]
            expected = [term.similarity for term in hit.terms]
            assert similarities == pytest.approx(expected, abs=5e-3)


def test_one_item_is_explained_as_it_would_be_among_the_hits(opened: Opened) -> None:
    hits = opened.searcher.answer(composed(limit=20, explain=True), {}).hits
    last = opened.searcher.explain(composed(), {}, hits[-1].key)
    assert last.score == pytest.approx(hits[-1].score, abs=1e-4)
    assert last.why is not None
    assert hits[-1].why is not None
    assert len(last.why.terms) == 3
    with pytest.raises(UnknownKeyError, match="no item has the key 'none'"):
        opened.searcher.explain(composed(), {}, "none")


def test_item_whose_picture_is_gone_cannot_be_explained(opened: Opened, pictures: Path) -> None:
    (pictures / "005.png").unlink()
    with pytest.raises(UnknownKeyError, match=r"picture of '005.png' is no longer where it was"):
        opened.searcher.explain(composed(), {}, "005.png")
