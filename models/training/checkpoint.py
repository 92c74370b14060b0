"""The state of a training between two epochs, from which it goes on to the same bits."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.errors import shorten
from models.training.options import TrainingError
from models.weights import UNREADABLE, State

_FORMAT = 1
# Digests and long lists say nothing to a person.
_UNSHOWN = ("labels", "pictures", "weights")


@dataclass(frozen=True)
class Best:
    """The weights that did best on the validation pictures, and how they did."""

    weights: State
    epoch: int
    accuracy: float
    loss: float
    confusion: Tensor


@dataclass(frozen=True)
class Checkpoint:
    """All that the next epoch depends on.

    ``identity`` says what is trained on what, and how: only the very same training may go on.
    The learning rate is a function of the epoch, so there is no schedule to keep.
    """

    identity: dict[str, Any]
    epoch: int
    model: State
    optimizer: dict[str, Any]
    random: Tensor
    best: Best | None


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint to ``path``; raises OSError if it cannot be."""
    best = vars(checkpoint.best) if checkpoint.best else None
    buffer = io.BytesIO()
    torch.save({**vars(checkpoint), "best": best, "format": _FORMAT}, buffer)
    path.write_bytes(buffer.getbuffer())  # torch would hide why a disk takes no more


def read_checkpoint(path: Path) -> Checkpoint:
    """Return the checkpoint at ``path``; no code in it is run.

    Raises TrainingError if it is none.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        if found.pop("format") != _FORMAT:
            raise ValueError("it is another release's")
        best = Best(**found["best"]) if found["best"] else None
        return Checkpoint(**{**found, "best": best})
    except UNREADABLE as error:
        raise TrainingError(
            f"{str(path)!r} is no checkpoint that can be gone on from: remove it, or give --restart"
        ) from error


def check_same(checkpoint: Checkpoint, identity: dict[str, Any], path: Path) -> None:
    """Raise TrainingError, naming what differs, if a checkpoint is another training's."""
    before = checkpoint.identity
    for name in sorted(before.keys() | identity.keys()):
        if before.get(name) != identity.get(name):
            raise TrainingError(
                f"{str(path)!r} is of a training with {_difference(name, before, identity)}: "
                "give that to go on, or --restart to begin anew"
            )


def _difference(name: str, before: dict[str, Any], identity: dict[str, Any]) -> str:
    if name in _UNSHOWN:
        return f"other {name}"
    return f"{name} {shorten(repr(before.get(name)))}, not {shorten(repr(identity.get(name)))}"
