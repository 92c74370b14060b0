"""Optimizers as options name them."""

import torch
from torch import nn

from models.training.options import TrainingOptions


def make_optimizer(model: nn.Module, options: TrainingOptions) -> torch.optim.Optimizer:
    """Return the optimizer; weights decay, while biases and batch norms do not."""
    learned = [one for one in model.parameters() if one.requires_grad]
    groups = [
        {"params": [one for one in learned if one.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [one for one in learned if one.ndim <= 1], "weight_decay": 0.0},
    ]
    if options.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=options.rate)
    momentum, nesterov = options.momentum, options.nesterov
    return torch.optim.SGD(groups, lr=options.rate, momentum=momentum, nesterov=nesterov)
