"""Fixtures of the indexer's tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.catalog import Catalog
from indexer.local import LocalStore


@pytest.fixture(autouse=True)
def _sync_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is synced, and when, is tested by watching the calls; waiting for the disk tests nothing.
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def damaged(pictures: Path) -> Path:
    """Twenty pictures, three of them unreadable."""
    for name in ("002.png", "009.png", "010.png"):
        (pictures / name).write_bytes(b"no picture")
    return pictures


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where ``catalog`` lies."""
    return tmp_path / "catalog.sqlite"


@pytest.fixture
def catalog(path: Path) -> Iterator[Catalog]:
    """An empty catalog, open for writing."""
    opened = Catalog(path, writable=True)
    yield opened
    opened.close()


@pytest.fixture
def reader(fake_index: Path) -> Iterator[LocalStore]:
    """A store that was opened, and searched, before anything else happens."""
    store = LocalStore(fake_index)
    store.view()
    yield store
    store.close()
