"""The floor for color: a plain histogram of the foreground in OKLab, 8 x 8 x 8 bins.

Lightness runs from 0 to 1, the two axes of hue from -0.32 to 0.32. Bins count places that are not
near-white; the square root of each bin's share makes the cosine a Bhattacharyya coefficient.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from indexer.files import write_durably
from indexer.records import Item, Palette
from indexer.store import CatalogStore
from models.colors import parse_color
from models.errors import HueweaveError
from models.extraction import Vectors
from models.images import Limits, decode
from models.oklab import decode_srgb, lab_from_linear
from models.preprocess import Pixels, Preprocess, near_content, to_square
from service.pictures import read_indexed

BINS = 8
_REACH = 0.32
# How far a single color is spread over bins around it, in OKLab.
_SPREAD = 0.06


def histogram(pixels: Pixels, white: int) -> Vectors:
    """Return (512,) of unit length for (h, w, 3) sRGB pixels; all of them if none counts."""
    counted = near_content(pixels, white)
    colors = pixels[counted] if counted.any() else pixels.reshape(-1, 3)
    lab = lab_from_linear(decode_srgb(colors))
    at = np.empty(lab.shape, np.int64)
    at[:, 0] = lab[:, 0] * BINS
    at[:, 1:] = (lab[:, 1:] + _REACH) / (2 * _REACH) * BINS
    np.clip(at, 0, BINS - 1, out=at)
    counts = np.bincount(at @ [BINS**2, BINS, 1], minlength=BINS**3)
    shares: Vectors = np.sqrt(counts / counts.sum()).astype(np.float32)
    return shares


def palette_histogram(palette: Palette) -> Vectors:
    """Return the like for dominant colors, each spread over the bins around it."""
    axis = (np.arange(BINS) + 0.5) / BINS
    hue = axis * 2 * _REACH - _REACH
    centers = np.stack(np.meshgrid(axis, hue, hue, indexing="ij"), axis=-1).reshape(-1, 3)
    total = np.zeros(BINS**3)
    for one in palette:
        lab = lab_from_linear(decode_srgb(np.array(parse_color(one.hex))))
        near = np.exp(-0.5 * (((centers - lab) / _SPREAD) ** 2).sum(axis=1)) + 1e-12
        total += one.weight * near / near.sum()
    found: Vectors = np.sqrt(total / total.sum()).astype(np.float32)
    return found


def palette_histograms(items: Sequence[Item]) -> Vectors | None:
    """Return (n, 512) from the catalog alone; None if an item's colors were never looked for."""
    if any(not item.palette for item in items):
        return None
    return np.stack([palette_histogram(item.palette or ()) for item in items])


def histograms(
    store: CatalogStore,
    items: Sequence[Item],
    preprocess: Preprocess,
    limits: Limits,
    cache: Path,
    threads: int | None = None,
) -> Vectors | None:
    """Return (n, 512) from the items' pictures; None if one cannot be read any more.

    Those in ``cache``, a file of the last call's, are not read again.
    """
    known = _read(cache)

    def made(item: Item) -> Vectors | None:
        if item.digest in known:
            return known[item.digest]
        try:
            data = read_indexed(item, store.locate(item), limits)
            image = decode(data, limits, at_least=preprocess.decode_at_least)
        except HueweaveError:
            return None
        return histogram(to_square(image, preprocess), preprocess.white)

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(made, items))
    pairs = [(i.digest, one) for i, one in zip(items, found, strict=True) if one is not None]
    if any(digest not in known for digest, _ in pairs):
        _write(cache, known | dict(pairs))
    if len(pairs) < len(items):
        return None
    return np.stack([one for _, one in pairs])


def _read(cache: Path) -> dict[str, Vectors]:
    try:
        with np.load(cache, allow_pickle=False) as file:
            return dict(zip(file["digests"].tolist(), file["histograms"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return {}  # there is none yet, or it was damaged: it is made again


def _write(cache: Path, found: dict[str, Vectors]) -> None:
    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            np.savez(file, digests=list(found), histograms=np.stack(list(found.values())))

    write_durably(cache, write)
