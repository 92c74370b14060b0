"""Single swatches by name and index, and whole labelled catalogs of them on disk."""

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from models.oklab import Array, linear_from_lab

from .cloth import Drape, drape, expose, lit, weave
from .palette import COLORS, Swatch, swatch
from .patterns import PATTERNS, TABLE, Pattern
from .plane import Plane

SMALLEST, LARGEST = 32, 2048
_QUALITY = 90
_PIXELS_PER_THREAD = 2.6


class FabricError(ValueError):
    """A color, pattern, size, index, seed or count that no fabric can be made from."""


def render(
    color: str, pattern: str, *, index: int = 0, seed: int = 0, size: int = 256
) -> Image.Image:
    """An RGB swatch, size pixels square, that depends on nothing but the arguments.

    Raises FabricError for an unknown color or pattern, a size outside 32..2048, or a
    negative index or seed.
    """
    _check_name("color", color, COLORS)
    _check_name("pattern", pattern, PATTERNS)
    _check_range("size", size, SMALLEST, LARGEST)
    _check_range("index", index, 0)
    _check_range("seed", seed, 0)
    rng = _generator(seed, color, pattern, index)
    chosen = TABLE[pattern]
    sheet = drape(size, rng)
    plane, relief = _lay(sheet, chosen, rng)
    coverage = chosen.draw(plane, rng)
    tones = swatch(color, float(coverage.mean()), chosen.darker, rng)
    seen = lit(_dyed(tones, coverage), sheet.light * relief)
    return Image.fromarray(expose(seen, rng))


def write_catalog(
    folder: Path,
    *,
    per_class: int = 4,
    seed: int = 0,
    size: int = 256,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write every color in every pattern under `folder`; returns the path of labels.csv.

    labels.csv (path, color, texture) appears only once all pictures are written. `progress`
    receives pictures done and pictures in all. Raises FabricError for a per_class below 1, a
    negative seed or a size outside 32..2048, before anything is written.
    """
    _check_range("per_class", per_class, 1)
    _check_range("size", size, SMALLEST, LARGEST)
    _check_range("seed", seed, 0)
    labels = folder / "labels.csv"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    # An older labels.csv would vouch for pictures that are about to be replaced.
    labels.unlink(missing_ok=True)
    rows = sorted(_rows(per_class))
    for done, (path, color, pattern, index) in enumerate(rows, start=1):
        picture = render(color, pattern, index=index, seed=seed, size=size)
        picture.save(folder / path, quality=_QUALITY, subsampling=0)
        if progress is not None:
            progress(done, len(rows))
    _write_labels(labels, rows)
    return labels


def _rows(per_class: int) -> Iterator[tuple[str, str, str, int]]:
    """Path relative to the catalog, color, pattern and index of every picture."""
    for color in COLORS:
        for pattern in PATTERNS:
            for index in range(per_class):
                yield f"images/{color}-{pattern}-{index}.jpg", color, pattern, index


def _write_labels(labels: Path, rows: list[tuple[str, str, str, int]]) -> None:
    """Write the labels in one step: the file is there in full or not at all."""
    part = labels.with_name(labels.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(("path", "color", "texture"))
        writer.writerows(row[:3] for row in rows)
    os.replace(part, labels)


def _generator(seed: int, color: str, pattern: str, index: int) -> np.random.Generator:
    """A generator private to one picture."""
    # Names, not positions, feed the seed: a new color leaves every older picture as it was.
    names = (int.from_bytes(name.encode(), "big") for name in (color, pattern))
    return np.random.default_rng(np.random.SeedSequence([seed, *names, index]))


def _lay(sheet: Drape, pattern: Pattern, rng: np.random.Generator) -> tuple[Plane, Array]:
    """Turn and scale the pattern's plane on a sheet; also the weave's relief along its threads."""
    angle = rng.uniform(0, np.pi)
    repeats = rng.uniform(*pattern.repeats)
    u_start, v_start = (np.float32(start) for start in rng.uniform(8, 24, 2))
    east, south = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u, v = sheet.x * east + sheet.y * south, sheet.y * east - sheet.x * south
    size = len(u)
    threads = min(rng.uniform(70, 100), size / _PIXELS_PER_THREAD)
    relief = weave(u, v, threads, rng)
    scale = np.float32(repeats)
    return Plane(u * scale + u_start, v * scale + v_start, repeats / size), relief


def _dyed(tones: Swatch, coverage: Array) -> Array:
    """Linear RGB (h, w, 3) of the two tones mixed by the second tone's coverage (h, w)."""
    base = linear_from_lab(tones.base)
    second = linear_from_lab(tones.second)
    return base + coverage[..., None] * (second - base)


def _check_name(what: str, name: str, known: tuple[str, ...]) -> None:
    """Raise FabricError unless the name is known."""
    if name not in known:
        raise FabricError(f"unknown {what} {name!r}; choose one of: {', '.join(known)}")


def _check_range(what: str, value: int, least: int, most: int | None = None) -> None:
    """Raise FabricError unless least <= value <= most."""
    if value < least or (most is not None and value > most):
        span = f"at least {least}" if most is None else f"from {least} to {most}"
        raise FabricError(f"{what} is {value}; it must be {span}")
