"""The learning rate of a step, and the pictures of an epoch's batches."""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor


def learning_rate(step: int, steps: int, warm: int, highest: float) -> float:
    """Return the rate of ``step`` of ``steps``: up a line for ``warm``, then down a cosine."""
    if step < warm:
        return highest * (step + 1) / warm
    done = (step - warm) / max(steps - warm, 1)
    return highest * 0.5 * (1 + math.cos(math.pi * done))


def draw_batches(
    labels: Tensor, batch_size: int, balanced: bool, random: Generator
) -> Sequence[Tensor]:
    """Return the rows of (n,) ``labels`` in batches of about ``batch_size``, never of one row.

    Every row comes once; ``balanced``, n rows are drawn with all classes equally likely.
    """
    count = len(labels)
    if balanced:
        rarity = 1 / torch.bincount(labels).clamp(min=1).double()
        rows = torch.multinomial(rarity[labels], count, replacement=True, generator=random)
    else:
        rows = torch.randperm(count, generator=random)
    return torch.tensor_split(rows, batches_in(count, batch_size))


def batches_in(count: int, batch_size: int) -> int:
    """Return into how many batches ``count`` pictures are divided, as evenly as can be.

    A batch of one has no statistics to normalise by, so batches may be larger than asked for.
    """
    wanted = -(-count // batch_size)
    return wanted if count // wanted > 1 else max(count // 2, 1)
