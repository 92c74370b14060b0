"""Pictures as a network sees them while it learns: cropped, mirrored, a little lighter or darker.

All random numbers are drawn on the CPU, so a seed gives the same pictures on every device.
"""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from models.training.options import Augmentation

# The ratio of width to height of what is cut out lies between this and its inverse.
_NARROWEST = 3 / 4


def augment(pictures: Tensor, how: Augmentation, random: Generator) -> Tensor:
    """Return (n, 3, side, side) RGB in 0..1, each changed in its own way as ``how`` says."""
    n = len(pictures)
    # Drawn whatever is asked for, so that one option does not change what another draws.
    area, ratio, left, top, mirror, light, contrast = torch.rand(7, n, generator=random)
    if how.crop < 1 or how.flip:
        moved = _placements(how, area, ratio, left, top, mirror).to(pictures.device)
        grid = F.affine_grid(moved, list(pictures.shape), align_corners=False)
        pictures = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    if how.jitter:
        pictures = _jittered(pictures, how.jitter, light, contrast)
    return pictures


def _placements(
    how: Augmentation, area: Tensor, ratio: Tensor, left: Tensor, top: Tensor, mirror: Tensor
) -> Tensor:
    """Return (n, 2, 3) affine maps from the square -1..1 to what is cut out of it."""
    share = how.crop + (1 - how.crop) * area
    slant = torch.exp((2 * ratio - 1) * -math.log(_NARROWEST) / 2) if how.crop < 1 else 1.0
    width = (share.sqrt() * slant).clamp(max=1)
    height = (share / width).clamp(max=1)
    sign = torch.where(mirror < 0.5, -1.0, 1.0) if how.flip else torch.ones_like(mirror)
    placed = torch.zeros(len(area), 2, 3)
    placed[:, 0, 0], placed[:, 1, 1] = sign * width, height
    placed[:, 0, 2] = (2 * left - 1) * (1 - width)
    placed[:, 1, 2] = (2 * top - 1) * (1 - height)
    return placed


def _jittered(pictures: Tensor, jitter: float, light: Tensor, contrast: Tensor) -> Tensor:
    def factors(drawn: Tensor) -> Tensor:
        return (1 + jitter * (2 * drawn - 1)).view(-1, 1, 1, 1).to(pictures.device)

    means = pictures.mean(dim=(1, 2, 3), keepdim=True)
    return ((pictures - means) * factors(contrast) + means * factors(light)).clamp(0, 1)
