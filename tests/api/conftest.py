"""Apps over fake indexes: one that a test may change, and one that all tests share."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from indexer.local import LocalStore
from models.images import Limits
from service.opening import Opened
from service.search import Searcher
from service.settings import Settings, load_settings
from tests.fakes import FakeExtractor, build_fake, random_colors, write_pictures
from tests.serving import serving


def open_fake(index: Path, limits: Limits) -> Opened:
    """Open an index with the fake network."""
    store = LocalStore(index)
    return Opened(store, Searcher(store, FakeExtractor(), limits), limits)


@pytest.fixture
def settings() -> Settings:
    return load_settings(max_bytes=200_000)


@pytest.fixture
def opened(fake_index: Path, settings: Settings) -> Opened:
    return open_fake(fake_index, Limits(settings.max_bytes, settings.max_pixels))


@pytest.fixture
def client(opened: Opened, settings: Settings) -> Iterator[httpx.Client]:
    """A client of a real server, so that what is tested is what is served."""
    with serving(opened, settings) as client:
        yield client


@pytest.fixture(scope="session")
def still_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 20 pictures behind ``still_client``; no test may change it."""
    folder = tmp_path_factory.mktemp("still") / "pictures"
    write_pictures(folder, random_colors(20))
    return folder


@pytest.fixture(scope="session")
def still_client(still_pictures: Path) -> Iterator[httpx.Client]:
    """A client like ``client``, for tests that change nothing: they share its server."""
    index = still_pictures.with_name("index")
    build_fake(index, still_pictures)
    settings = load_settings(max_bytes=200_000)
    with serving(open_fake(index, Limits(200_000, settings.max_pixels)), settings) as client:
        yield client
