"""What the benchmarks run on: rendered pictures and a resnet50 with random weights."""

from collections.abc import Sequence
from pathlib import Path

import torch
import torchvision

from service.fabrics import COLORS, PATTERNS, render

# Near to what shops have: a picture of half a megapixel, so that decoding costs what it costs.
SIDE = 720


def make_pictures(folder: Path, count: int, side: int = SIDE) -> list[Path]:
    """Render ``count`` JPEGs of ``side`` pixels into ``folder`` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for at in range(count):
        color, pattern = COLORS[at % 10], PATTERNS[at // 10 % 10]
        path = folder / f"{at:05}.jpg"
        render(color, pattern, index=at // 100, size=side).save(path, quality=88)
        paths.append(path)
    return paths


def make_copies(folder: Path, pictures: Sequence[Path], count: int) -> None:
    """Link ``count`` files in ``folder`` to ``pictures``, over and over."""
    folder.mkdir(parents=True, exist_ok=True)
    for at in range(count):
        (folder / f"{at:06}.jpg").hardlink_to(pictures[at % len(pictures)])


def make_weights(path: Path) -> Path:
    """Write a resnet50 with seeded random weights: speed does not ask what it has learned."""
    torch.manual_seed(0)
    torch.save(torchvision.models.resnet50().state_dict(), path)
    return path
