"""Calibration of an int8 network: on the first pictures of the source that can be read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.errors import BuildFailedError
from indexer.sources import open_source
from models.images import Limits
from models.loading import Loaded
from service import calibrating
from service.calibrating import quantized
from tests.fakes import RECIPE, FakeExtractor, manifest, random_colors, write_pictures

FLOATS = Loaded(RECIPE, FakeExtractor())


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """What is calibrated on, by a network that is none."""
    calls: list[np.ndarray] = []

    def quantize(loaded: Loaded, pixels: np.ndarray) -> Any:
        calls.append(pixels)
        return loaded, b"network"

    monkeypatch.setattr(calibrating, "quantize", quantize)
    return calls


def calibrate(folder: Path) -> bytes:
    return quantized(manifest(), FLOATS, open_source(str(folder)), Limits())[2]


def test_the_first_pictures_are_looked_at_as_they_are_indexed(
    tmp_path: Path, seen: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrating, "CALIBRATION", 3)
    write_pictures(tmp_path / "some", random_colors(5))
    assert calibrate(tmp_path / "some") == b"network"
    (pixels,) = seen
    assert pixels.shape == (3, 16, 16, 3)
    assert tuple(pixels[0, 0, 0]) == next(iter(random_colors(5).values()))


def test_what_cannot_be_read_is_passed_over(tmp_path: Path, seen: list[np.ndarray]) -> None:
    write_pictures(tmp_path / "some", random_colors(5))
    (tmp_path / "some" / "000.png").write_bytes(b"none")
    calibrate(tmp_path / "some")
    assert seen[0].shape[0] == 4


def test_without_a_picture_there_is_nothing_to_calibrate_on(
    tmp_path: Path, seen: list[np.ndarray]
) -> None:
    (tmp_path / "000.png").write_bytes(b"none")
    with pytest.raises(BuildFailedError, match="int8 has nothing to be calibrated on"):
        calibrate(tmp_path)
    assert not seen
