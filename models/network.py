"""A backbone with its weights, run only as far as the deepest block asked for."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.backbones import Backbone
from models.errors import BlockError, WeightsError
from models.networks import build_stages
from models.weights import State, digest_tensors


class Network(nn.Module):
    """The first stages of a backbone; ``forward`` yields the maps of chosen blocks."""

    def __init__(self, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)

    @property
    def depth(self) -> int:
        """The deepest block this network reaches."""
        return len(self.stages)

    def forward(self, pixels: Tensor, blocks: Iterable[int]) -> Iterator[tuple[int, Tensor]]:
        """Yield (block, map) in rising order, map being (n, channels, height, width).

        ``pixels`` is (n, 3, height, width), normalised. Nothing past the deepest block is run.
        """
        wanted = set(blocks)
        x = pixels
        for block, stage in enumerate(self.stages[: max(wanted, default=0)], start=1):
            x = stage(x)
            if block in wanted:
                yield block, x


def load_network(
    backbone: Backbone, state: State, blocks: Iterable[int] | None = None
) -> tuple[Network, str]:
    """Return the network down to the deepest of ``blocks`` and the SHA-256 of its tensors.

    With ``blocks`` None it goes as deep as ``state`` reaches. Batch norm is folded into the
    convolution before it, in float32. Raises BlockError if ``state`` stops short of a block,
    WeightsError if it is not this backbone's.
    """
    with torch.device("meta"):  # no random weights are drawn only to be overwritten
        stages = build_stages(backbone)
    reach = reach_of(backbone, stages, state)
    depth = max(blocks) if blocks else reach
    if depth > reach:
        raise BlockError(
            f"block {depth} is past what the weights hold: they cover blocks 1 to {reach} "
            f"of {backbone.name}"
        )
    keys = [key for stage in stages[:depth] for key in _keys(stage)]
    for stage in stages[:depth]:
        load_stage(backbone, stage, state)
    network = Network([_fold(stage.eval()) for stage in stages[:depth]]).requires_grad_(False)
    return network.eval(), digest_tensors(state, keys)


def reach_of(backbone: Backbone, stages: Sequence[nn.Module], state: State) -> int:
    """Return the deepest block that ``state`` covers; raises WeightsError if it covers none."""
    reach = _covered(stages, state)
    if reach == 0:
        raise WeightsError(_foreign(backbone, stages[0], state))
    return reach


def _covered(stages: Sequence[nn.Module], state: State) -> int:
    for at, stage in enumerate(stages):
        if not all(key in state for key in _keys(stage)):
            return at
    return len(stages)


def _keys(stage: nn.Module) -> list[str]:
    # `num_batches_tracked` counts training steps; inference never reads it and files omit it.
    return [key for key in stage.state_dict() if not key.endswith("num_batches_tracked")]


def load_stage(backbone: Backbone, stage: nn.Module, state: State) -> None:
    """Give ``stage`` the very tensors of ``state``; raises WeightsError if they do not fit."""
    try:
        stage.load_state_dict({key: state[key] for key in _keys(stage)}, False, assign=True)
    except RuntimeError as error:
        shape = str(error).strip().split("\n")[-1].strip()
        raise WeightsError(f"these weights are not {backbone.name}'s: {shape}") from error


def _fold(module: nn.Module) -> nn.Module:
    """Fold each batch norm into the convolution registered right before it."""
    before: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and before and isinstance(before[1], nn.Conv2d):
            setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
            setattr(module, name, nn.Identity())
        else:
            _fold(child)
        before = (name, child)
    return module


def _foreign(backbone: Backbone, stem: nn.Module, state: State) -> str:
    missing = next(key for key in _keys(stem) if key not in state)
    first = next(iter(state), "nothing")
    return (
        f"these weights are not {backbone.name}'s: {missing!r} is missing, "
        f"the file begins with {first!r}"
    )
