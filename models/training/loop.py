"""A whole training: epoch after epoch, each with a checkpoint."""

from collections.abc import Callable
from typing import Any

import torch

from models.precision import Precision
from models.training.checkpoint import Checkpoint
from models.training.classifier import Trainable
from models.training.data import LabelledPictures, Trained
from models.training.options import TrainingOptions
from models.training.trainer import Trainer
from models.training.watching import TrainingWatcher


def train(
    network: Trainable,
    data: LabelledPictures,
    options: TrainingOptions,
    identity: dict[str, Any],
    device: torch.device,
    precision: Precision,
    watcher: TrainingWatcher,
    keep: Callable[[Checkpoint], None],
    start: Checkpoint | None = None,
) -> Trained:
    """Train ``network`` and return its best weights.

    ``keep`` is given a checkpoint after every epoch; ``start`` is one to go on from. On a CPU a
    training that was stopped ends with the same bits as one that was not. Raises DivergedError if
    the loss is no number any more.
    """
    trainer = Trainer(network, data, options, device, precision)
    if start is not None:
        trainer.restore(start)
    while not trainer.done:
        report = trainer.run_epoch(watcher)
        keep(trainer.checkpoint(identity))
        watcher.epoch_ended(report)
    return trainer.result()
