"""A fake index opened for searching, and pictures in two classes of color."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import models.loading
import service.building
from indexer.local import LocalStore
from models.errors import BlockError
from models.images import Limits
from models.loading import Loaded
from service.opening import Opened
from service.search import Searcher
from tests.fakes import CHANNELS, FAKE, RECIPE, FakeExtractor, build_fake


@pytest.fixture
def extractor() -> FakeExtractor:
    return FakeExtractor()


@pytest.fixture
def opened(fake_index: Path, extractor: FakeExtractor) -> Iterator[Opened]:
    store = LocalStore(fake_index)
    found = Opened(store, Searcher(store, extractor, Limits()), Limits())
    yield found
    found.close()


@pytest.fixture
def labelled_pictures(tmp_path: Path) -> Path:
    """A table of 24 pictures: `tone` can be seen in them, `chance` cannot."""
    folder, random = tmp_path / "tones", np.random.default_rng(5)
    folder.mkdir()
    rows = []
    for at in range(24):
        red = at % 2
        tone = random.integers(0, 60, 3) + np.array([120, 0, 0] if red else [0, 0, 120])
        Image.fromarray(np.full((16, 16, 3), tone, np.uint8)).save(folder / f"{at:02}.png")
        rows.append(f"{at:02}.png,{'red' if red else 'blue'},{at // 2 % 2}\n")
    (folder / "labels.csv").write_text("path,tone,chance\n" + "".join(rows))
    return folder / "labels.csv"


@pytest.fixture
def kinds(tmp_path: Path) -> Path:
    """A table of 60 pictures of any color: a corner of them is lighter in one channel, by `kind`,
    and `whim` cannot be seen in them."""
    folder, random = tmp_path / "kinds", np.random.default_rng(7)
    folder.mkdir()
    rows = []
    for at in range(60):
        kind = at % 3
        pixels = np.full((16, 16, 3), random.integers(20, 160, 3), np.uint8)
        pixels[:8, :8, kind] += 70
        Image.fromarray(pixels).save(folder / f"{at:02}.png")
        rows.append(f"{at:02}.png,{'abc'[kind]},{'xyz'[random.integers(3)]}\n")
    (folder / "labels.csv").write_text("path,kind,whim\n" + "".join(rows))
    return folder / "labels.csv"


@pytest.fixture
def kinds_index(kinds: Path, tmp_path: Path) -> Path:
    """An index of those pictures, with both columns."""
    build_fake(tmp_path / "kinds-index", kinds, batch_size=16)
    return tmp_path / "kinds-index"


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeExtractor:
    """The fake network in place of any other, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    extractor: Any = FakeExtractor()

    def load_new(backbone: str, weights: object, blocks: tuple[int, ...] | None, *_: object) -> Any:
        if blocks and max(blocks) > len(CHANNELS):
            raise BlockError("the weights stop at block 4")
        return Loaded(RECIPE, extractor)

    monkeypatch.setattr(models.loading, "load_new", load_new)
    monkeypatch.setattr(models.loading, "load_pinned", lambda *_: Loaded(RECIPE, extractor))
    monkeypatch.setattr(service.building, "get_backbone", lambda name: FAKE)
    return extractor
