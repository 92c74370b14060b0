"""What a network makes of pictures that are one color and nothing else."""

import numpy as np

from models.extraction import Extractor, PoolName, Vectors
from models.preprocess import Pixels

# Wider than what a place of block 2 sees, so that the middle one sees no border. A little of the
# border is in deeper blocks, the same in each picture.
_SIDE, _STEPS, _TOGETHER = 64, 9, 81


def flat_colors(extractor: Extractor, block: int) -> Vectors:
    """Return (729, channels) float32: the middle of a block's map for colors on an even grid of
    nine levels each of red, green and blue."""
    levels = np.rint(np.linspace(0, 255, _STEPS)).astype(np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    pool = PoolName(block, "gap")
    rows = []
    for at in range(0, len(grid), _TOGETHER):
        colors = grid[at : at + _TOGETHER, None, None]
        pixels: Pixels = np.broadcast_to(colors, (len(colors), _SIDE, _SIDE, 3)).copy()
        values = extractor.local(pixels, [pool])[pool].values
        rows.append(values[:, values.shape[1] // 2, values.shape[2] // 2])
    return np.concatenate(rows)
