"""A network that is none, and small real indexes made with it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from indexer.build import BuildOptions, BuildReport, build
from indexer.creation import create_index
from indexer.local import open_for_writing
from indexer.local_engine import LocalEngine
from indexer.manifest import Manifest
from indexer.presets import get_preset, lay_out
from indexer.sources import open_source
from indexer.spaces import Metric
from indexer.watching import Watcher
from models.backbones import Backbone
from models.errors import BlockError
from models.extraction import LocalPool, LocalPools, PoolName, RawPools
from models.images import Limits
from models.preprocess import Mask, Pixels, Preprocess, near_content
from models.recipe import Recipe

CHANNELS = (6, 8, 10, 12)
# So many pictures of one color a new index looks at, in both blocks that color is made of.
PROBED = 2 * 9**3
SMALL = Preprocess(size=16)
FAKE = Backbone("fake", "plain", (*CHANNELS, 14), None, None)
RECIPE = Recipe("fake", "none", "f" * 64, (0.0,) * 3, (1.0,) * 3, SMALL)


class FakeExtractor:
    """Maps of 4 x 4 places, each a fixed random projection of its pixels' mean: like pictures,
    like pools.

    Counts its calls; `after` pictures it raises KeyboardInterrupt, as a person would.
    """

    channels = CHANNELS

    def __init__(self, after: int | None = None) -> None:
        self.pictures = 0
        self.blocks: set[int] = set()
        self._after = after

    def extract(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> RawPools:
        found = self.local(pixels, pools, content)
        return {
            pool: np.einsum("nhw,nhwc->nc", local.weights, local.values)
            for pool, local in found.items()
        }

    def local(
        self, pixels: Pixels, pools: Iterable[PoolName], content: Mask | None = None
    ) -> LocalPools:
        if self._after is not None and self.pictures >= self._after:
            raise KeyboardInterrupt
        pools = list(pools)
        self.pictures += len(pixels)
        self.blocks |= {pool.block for pool in pools}
        counts = near_content(pixels, SMALL.white) if content is None else content
        return {pool: self._local(pixels, pool, counts) for pool in pools}

    def _local(self, pixels: Pixels, pool: PoolName, content: Mask) -> LocalPool:
        if pool.block > len(CHANNELS):
            raise BlockError(f"block {pool.block} is not there")
        random = np.random.default_rng(pool.block)
        matrices = random.standard_normal((4, 4, 3, CHANNELS[pool.block - 1]))
        values = np.einsum("nhwr,hwrc->nhwc", _coarse(pixels) / 255, matrices)
        share = _coarse(content[..., None])[..., 0] + 1e-4
        weights = np.ones_like(share) if pool.kind == "gap" else share
        weights = weights / weights.sum(axis=(1, 2), keepdims=True)
        return LocalPool(np.maximum(values, 0).astype(np.float32), weights.astype(np.float32))


def _coarse(values: np.ndarray) -> np.ndarray:
    """Return (n, 4, 4, c) means of (n, size, size, c)."""
    n, size, _, channels = values.shape
    return values.reshape(n, 4, size // 4, 4, size // 4, channels).mean(axis=(2, 4))


def manifest(
    *,
    preset: str = "default",
    blocks: tuple[int, ...] = (1, 2, 3, 4),
    metric: Metric = "cosine",
    index_type: str = "Flat",
) -> Manifest:
    """Return the manifest of an empty index for the fake network."""
    chosen = get_preset(preset)
    layout = lay_out(chosen, FAKE, blocks, metric)
    return Manifest(
        created="2026-01-01T00:00:00+00:00",
        preset=preset,
        recipe=RECIPE,
        blocks=blocks,
        pools={pool: CHANNELS[pool.block - 1] for pool in layout.pools},
        pool_format=chosen.pool_format,
        spaces={space.name: space for space in layout.spaces},
        attributes=layout.attributes,
        index_type=index_type,
    )


def write_pictures(folder: Path, colors: Mapping[str, tuple[int, int, int]]) -> None:
    """Write a small two-tone PNG per name; the second tone makes each picture its own."""
    for name, color in colors.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (16, 16), color)
        image.paste((color[2], color[0], color[1]), (4, 4, 10, 12))
        image.save(path)


def random_colors(count: int, seed: int = 0) -> dict[str, tuple[int, int, int]]:
    """Return ``count`` file names and colors, none near white."""
    values = np.random.default_rng(seed).integers(0, 200, (count, 3)).tolist()
    return {f"{at:03}.png": (r, g, b) for at, (r, g, b) in enumerate(values)}


def build_fake(
    index: Path,
    source: Path,
    *,
    extractor: FakeExtractor | None = None,
    options: BuildOptions | None = None,
    watcher: Watcher | None = None,
    limits: Limits | None = None,
    batch_size: int = 4,
    made: Manifest | None = None,
) -> BuildReport:
    """Build ``source`` into ``index`` with the fake network, making the index if need be."""
    if not index.exists():
        create_index(index, made or manifest())
    used = extractor or FakeExtractor()
    engine = LocalEngine(SMALL, limits or Limits(), batch_size=batch_size, threads=2)
    found = open_source(str(source), index=index)
    with open_for_writing(index) as store:
        return build(store, found, engine, lambda: used, options, watcher)
