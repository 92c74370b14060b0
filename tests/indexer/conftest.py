"""Fixtures of the indexer's tests."""

import os

import pytest


@pytest.fixture(autouse=True)
def _sync_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is synced, and when, is tested by watching the calls; waiting for the disk tests nothing.
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
