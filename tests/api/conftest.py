"""An app over a fake index."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from indexer.local import LocalStore
from models.images import Limits
from service.opening import Opened
from service.search import Searcher
from service.settings import Settings, load_settings
from tests.fakes import FakeExtractor
from tests.serving import serving


@pytest.fixture
def settings() -> Settings:
    return load_settings(max_bytes=200_000)


@pytest.fixture
def opened(fake_index: Path, settings: Settings) -> Opened:
    store = LocalStore(fake_index)
    limits = Limits(settings.max_bytes, settings.max_pixels)
    return Opened(store, Searcher(store, FakeExtractor(), limits), limits)


@pytest.fixture
def client(opened: Opened, settings: Settings) -> Iterator[httpx.Client]:
    """A client of a real server, so that what is tested is what is served."""
    with serving(opened, settings) as client:
        yield client
