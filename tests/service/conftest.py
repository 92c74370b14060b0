"""A fake index opened for searching."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.local import LocalStore
from models.images import Limits
from service.opening import Opened
from service.search import Searcher
from tests.fakes import FakeExtractor


@pytest.fixture
def extractor() -> FakeExtractor:
    return FakeExtractor()


@pytest.fixture
def opened(fake_index: Path, extractor: FakeExtractor) -> Iterator[Opened]:
    store = LocalStore(fake_index)
    found = Opened(store, Searcher(store, extractor, Limits()), Limits())
    yield found
    found.close()
