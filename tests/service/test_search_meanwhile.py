"""A search during which others write still finds what was there all the time."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from indexer.columns import Columns
from indexer.local import LocalStore
from models.images import Limits
from service.query import Query
from service.search import Searcher
from tests.fakes import FakeExtractor
from tests.indexer.batches import random_batch

QUERY = Query.model_validate(
    {
        "terms": [{"attribute": "color", "image": {"key": "001.png"}}],
        "filter": {"column": "owner", "eq": "me"},
        "limit": 20,
    }
)


@pytest.fixture
def store(fake_index: Path) -> Iterator[LocalStore]:
    """An index in which three items have an owner, in a column that is not kept in memory."""
    with closing(LocalStore(fake_index)) as store:
        store.declare([{"owner": "me"}])
        store.relabel({key: {"owner": "me"} for key in ("003.png", "004.png", "005.png")})
        yield store


def found(store: LocalStore) -> list[str]:
    answer = Searcher(store, FakeExtractor(), Limits()).answer(QUERY, {})
    return sorted(hit.key for hit in answer.hits)


def test_an_item_replaced_between_the_view_and_the_filter_is_found(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = Columns.mask

    def replace_before(columns, filter, size):  # type: ignore[no-untyped-def]
        monkeypatch.setattr(Columns, "mask", mask)
        batch = random_batch(store.manifest, ["004.png"])
        batch.embedded[0].work.entry.metadata["owner"] = "me"
        store.add(batch)
        return mask(columns, filter, size)

    monkeypatch.setattr(Columns, "mask", replace_before)
    assert found(store) == ["003.png", "004.png", "005.png"]


def test_an_index_that_is_another_after_each_try_is_answered_from_in_the_end(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask, tries = Columns.mask, 0

    def relabel_before(columns, filter, size):  # type: ignore[no-untyped-def]
        nonlocal tries
        tries += 1
        store.relabel({"010.png": {"owner": str(tries)}})
        return mask(columns, filter, size)

    monkeypatch.setattr(Columns, "mask", relabel_before)
    assert found(store) == ["003.png", "004.png", "005.png"]
    assert tries == 3
