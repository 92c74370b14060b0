"""Pooling a block's map into one vector a picture: everywhere, or over the foreground."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from models.extraction import PoolKind

# Width of the bell that favours the middle of the picture, in half sides of the map.
_BELL = 0.5
# Every place keeps this share of an even weight, so that an all-white picture has a mean too.
_FLOOR = 1e-4


def content_map(pixels: Tensor, white: int) -> Tensor:
    """Return (n, 1, H, W) float32: 1 where (n, 3, H, W) uint8 ``pixels`` are not near-white, that
    is, any channel is below ``white``; else 0."""
    # Far faster than `amin` over three.
    darkest = torch.minimum(torch.minimum(pixels[:, 0], pixels[:, 1]), pixels[:, 2])
    return (darkest < white).float().unsqueeze(1)


def fill_holes(content: Tensor) -> Tensor:
    """Return (n, 1, H, W) ``content`` with 1 also where there is some of it to the left and to the
    right and above and below."""
    inside = torch.ones_like(content, dtype=torch.bool)
    for axis in (2, 3):
        count = content.shape[axis]
        # The first and the last place of content, counted from either end; 0 where there is none.
        # Maxima of products are faster than cumulative sums.
        rising = torch.arange(1, count + 1, device=content.device, dtype=content.dtype)
        rising = rising.view(-1, 1) if axis == 2 else rising
        falling = count + 1 - rising
        last = (content * rising).amax(axis, keepdim=True)
        first = (content * falling).amax(axis, keepdim=True)
        inside &= (rising <= last) & (falling <= first)
    return inside.float()


def foreground_weights(content: Tensor, height: int, width: int) -> Tensor:
    """Return (n, height, width) float32 weights that sum to one a picture.

    A place weighs by its share of the (n, 1, H, W) ``content`` times a bell over the middle.
    """
    share = F.adaptive_avg_pool2d(content, (height, width))[:, 0]
    bell = _bell(height, content.device)[:, None] * _bell(width, content.device)[None, :]
    weights = share * bell + _FLOOR
    return weights / weights.sum(dim=(1, 2), keepdim=True)


def _bell(count: int, device: torch.device) -> Tensor:
    at = (torch.arange(count, device=device) + 0.5) / count * 2 - 1
    return torch.exp(-0.5 * (at / _BELL) ** 2)


def place_weights(
    kinds: Iterable[PoolKind], content: Tensor, height: int, width: int
) -> dict[PoolKind, Tensor]:
    """Return (n, height, width) float32 weights of places, summing to one a picture, by kind.

    ``content`` is that of ``content_map``.
    """
    even = content.new_full((len(content), height, width), 1.0 / (height * width))
    return {
        kind: even if kind == "gap" else foreground_weights(content, height, width)
        for kind in kinds
    }


def pool_map(
    feature_map: Tensor, kinds: Sequence[PoolKind], content: Tensor
) -> dict[PoolKind, Tensor]:
    """Return (n, channels) float32 pools of an (n, channels, h, w) map, one a kind.

    ``content`` is that of ``content_map``, on the map's device.
    """
    weights = place_weights(kinds, content, *feature_map.shape[2:])
    stacked = torch.stack(list(weights.values()), dim=1).flatten(2)
    # n x kinds x places times n x places x channels: one pass over the map for all kinds.
    # Sums run in float32: bfloat16 would round the mean to three digits.
    places = feature_map.flatten(2).transpose(1, 2)
    pooled = _weighed(stacked, places)
    return {kind: pooled[:, at] for at, kind in enumerate(weights)}


def _weighed(weights: Tensor, places: Tensor) -> Tensor:
    """Return (n, kinds, channels) float32 sums of (n, places, channels) by (n, kinds, places)."""
    if places.dtype == torch.float32 or places.is_cuda:
        return torch.bmm(weights, places.float())
    # A picture at a time in one buffer that stays in the cache: several times faster than to make
    # new floats of a whole batch.
    buffer = torch.empty(places.shape[1:], dtype=torch.float32)
    pooled = torch.empty((*weights.shape[:2], places.shape[2]), dtype=torch.float32)
    for picture, weight, sums in zip(places, weights, pooled, strict=True):
        buffer.copy_(picture)
        torch.mm(weight, buffer, out=sums)
    return pooled
