"""The residual network of full pre-activation blocks: bn-relu-conv-bn-relu-conv.

He et al. 2016, "Identity mappings in deep residual networks", figure 4(e). The first block of each
stage halves the sides, and its shortcut is a projection of the activated input; all other
shortcuts are identities. Squeeze-and-excitation (Hu et al. 2018, ratio 16) scales the branch
before the sum. Maps are 112, 56, 28, 14 and 7 squared for a 224 x 224 input.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from models.backbones import Backbone

_RATIO, _LEAST_SQUEEZED = 16, 4


class SqueezeExcite(nn.Module):
    """Scales each channel of (n, channels, h, w) by a gate that sees the means of all."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = max(channels // _RATIO, _LEAST_SQUEEZED)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.expand(torch.relu(self.reduce(means))))


class PreactBlock(nn.Module):
    """bn-relu-conv-bn-relu-conv and a shortcut.

    An ``opening`` block is given what the stage before has already normalised and rectified: its
    bn-relu is the tap's, shared by branch and projection.
    """

    def __init__(self, inputs: int, outputs: int, *, opening: bool, se: bool) -> None:
        super().__init__()
        stride = 2 if opening else 1
        self.bn1 = nn.Identity() if opening else nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.se = SqueezeExcite(outputs) if se else nn.Identity()
        self.projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if opening else None

    def forward(self, x: Tensor) -> Tensor:
        if self.projection is None:
            shortcut, y = x, torch.relu(self.bn1(x))
        else:
            shortcut, y = self.projection(x), x
        y = self.conv2(torch.relu(self.bn2(self.conv1(y))))
        out: Tensor = shortcut + self.se(y)
        return out


def preact_stages(backbone: Backbone) -> list[nn.Module]:
    """Return the stem and four stages of blocks, each ending in the bn-relu that its tap is."""
    shape = backbone.preact
    assert shape is not None, "only a backbone of this family has a shape"
    stem = nn.Conv2d(3, shape.width, 3, 2, 1, bias=False)
    stages = [_tapped([("conv1", stem)], "bn1", shape.width)]
    inputs = shape.width
    for at, (count, outputs) in enumerate(
        zip(shape.blocks, shape.channels[1:], strict=True), start=1
    ):
        blocks = [
            PreactBlock(outputs if n else inputs, outputs, opening=n == 0, se=shape.se)
            for n in range(count)
        ]
        stages.append(_tapped([(f"layer{at}", nn.Sequential(*blocks))], f"bn{at + 1}", outputs))
        inputs = outputs
    return stages


def _tapped(layers: list[tuple[str, nn.Module]], norm: str, channels: int) -> nn.Module:
    ending = [(norm, nn.BatchNorm2d(channels)), ("relu", nn.ReLU(inplace=True))]
    return nn.Sequential(OrderedDict[str, nn.Module]([*layers, *ending]))
