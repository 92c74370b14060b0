"""An app over a fake index."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from indexer.local import LocalStore
from models.images import Limits
from service.opening import Opened
from service.search import Searcher
from service.settings import Settings, load_settings
from tests.fakes import FakeExtractor


@pytest.fixture
def settings() -> Settings:
    return load_settings(max_bytes=200_000)


@pytest.fixture
def opened(fake_index: Path, settings: Settings) -> Opened:
    store = LocalStore(fake_index)
    limits = Limits(settings.max_bytes, settings.max_pixels)
    return Opened(store, Searcher(store, FakeExtractor(), limits), limits)


@pytest.fixture
def client(opened: Opened, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings, opened)) as client:
        yield client
