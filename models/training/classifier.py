"""Networks with a head for classes: a backbone's blocks, or the small network for digits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.backbones import HALF, MNIST, Backbone, Triple
from models.network import load_stage, reach_of
from models.networks import build_stages
from models.training.mnist import MnistNet
from models.training.options import TrainingError
from models.weights import State


class Classifier(nn.Module):
    """A backbone's blocks, the mean over the last one's map, and a linear layer.

    The first ``frozen`` blocks are left as they are, the statistics of their batch norms too.
    """

    def __init__(self, stages: Sequence[nn.Module], channels: int, classes: int, frozen: int = 0):
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.fc = nn.Linear(channels, classes)
        self.frozen = frozen
        for stage in self.stages[:frozen]:
            stage.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, classes) logits of (n, 3, h, w) normalised pixels."""
        with torch.no_grad():
            for stage in self.stages[: self.frozen]:
                x = stage(x)
        for stage in self.stages[self.frozen :]:
            x = stage(x)
        logits: Tensor = self.fc(x.mean(dim=(2, 3)))
        return logits

    def train(self, mode: bool = True) -> "Classifier":
        """Put all but frozen blocks into training mode, or everything out of it."""
        super().train(mode)
        for stage in self.stages[: self.frozen]:
            stage.eval()
        return self


@dataclass(frozen=True)
class Trainable:
    """A network about to be trained; ``mean`` and ``std`` normalise RGB in 0..1."""

    model: nn.Module
    backbone: str
    mean: Triple
    std: Triple


def make_classifier(
    backbone: Backbone, classes: int, seed: int, state: State | None = None, frozen: int = 0
) -> Trainable:
    """Return ``backbone`` with a new head: random weights, or those of ``state``.

    It is as deep as ``state`` reaches, and takes its tensors over. Raises what ``trained_depth``
    does.
    """
    depth = trained_depth(backbone, state, frozen)
    with _seeded(seed):
        stages = build_stages(backbone)[:depth]
        for stage in stages:
            _initialise(stage)
            if state is not None:
                load_stage(backbone, stage, state)
        model = Classifier(stages, backbone.channels[depth - 1], classes, frozen)
    return Trainable(model, backbone.name, backbone.mean, backbone.std)


def trained_depth(backbone: Backbone, state: State | None, frozen: int) -> int:
    """Return how many blocks a network that starts from ``state`` has.

    Raises WeightsError if that is another network's, TrainingError if ``frozen`` blocks leave
    none to train.
    """
    with torch.device("meta"):
        stages = build_stages(backbone)
    depth = len(stages) if state is None else reach_of(backbone, stages, state)
    if frozen and state is None:
        raise TrainingError(f"freeze {frozen}: random weights are of no use frozen, give 0")
    if frozen >= depth:
        raise TrainingError(
            f"freeze {frozen}: these weights cover {depth} blocks, so none would be trained: "
            f"give at most {depth - 1}"
        )
    return depth


def make_mnist(classes: int, seed: int) -> Trainable:
    """Return the small network for digits with random weights."""
    with _seeded(seed):
        return Trainable(MnistNet(classes), MNIST, HALF, HALF)


def weights_of(model: nn.Module) -> State:
    """Return copies of a model's tensors, on the CPU, under the names that weights files have."""
    parts = [*model.stages] if isinstance(model, Classifier) else [model]
    state = {key: value for part in parts for key, value in part.state_dict().items()}
    if isinstance(model, Classifier):
        state |= {f"fc.{key}": value for key, value in model.fc.state_dict().items()}
    return {key: value.detach().cpu().clone().contiguous() for key, value in state.items()}


def load_weights(model: nn.Module, state: State) -> None:
    """Give a model the tensors that ``weights_of`` returned."""
    own = model.state_dict(keep_vars=True)
    named = {
        key.split(".", 2)[2] if key.startswith("stages.") else key: tensor
        for key, tensor in own.items()
    }
    with torch.no_grad():
        for key, value in state.items():
            named[key].copy_(value)


def _initialise(stage: nn.Module) -> None:
    """He et al. 2015: normal weights that keep variance through ReLUs."""
    for module in stage.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Draw random numbers from a seed; the process's own are as before afterwards."""
    before = torch.random.get_rng_state()
    torch.random.manual_seed(seed)
    try:
        yield
    finally:
        torch.random.set_rng_state(before)
