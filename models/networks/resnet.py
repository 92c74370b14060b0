"""The ResNet family (He et al. 2016), cut at conv1 and at the ends of its four stages.

Not torchvision's: importing that loads its detection models and torch's compiler, which takes as
long as torch itself. The names of parameters are the same.
"""

from collections import OrderedDict

from torch import Tensor, nn

from models.backbones import Backbone

# Blocks in each of the four stages.
_DEPTHS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}
_STEM, _EXPANSION = 64, 4


class _Residual(nn.Module):
    """A branch and a shortcut, added and rectified; the shortcut is a projection where the sides
    or the channels change."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def branch(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        y += x if self.downsample is None else self.downsample(x)
        out: Tensor = self.relu(y)
        return out


class _Basic(_Residual):
    """Two 3x3 convolutions."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(inputs, outputs, stride)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def branch(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return y


class _Bottleneck(_Residual):
    """1x1, 3x3 and 1x1 convolutions. The stride is in the 3x3, as in torchvision's weights
    ("v1.5"), or ``early`` in the first 1x1, as in the paper."""

    def __init__(self, inputs: int, outputs: int, stride: int, early: bool) -> None:
        super().__init__(inputs, outputs, stride)
        width, strides = outputs // _EXPANSION, (stride, 1) if early else (1, stride)
        self.conv1 = nn.Conv2d(inputs, width, 1, strides[0], bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, strides[1], 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)

    def branch(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
        found: Tensor = self.bn3(self.conv3(y))
        return found


def resnet_stages(backbone: Backbone) -> list[nn.Module]:
    """Return stem, max-pool + layer1, layer2, layer3, layer4; keys as in torchvision."""
    depths = _DEPTHS[backbone.torchvision or backbone.name]
    stem = [
        ("conv1", nn.Conv2d(3, _STEM, 7, 2, 3, bias=False)),
        ("bn1", nn.BatchNorm2d(_STEM)),
        ("relu", nn.ReLU(inplace=True)),
    ]
    stages: list[nn.Module] = [nn.Sequential(OrderedDict(stem))]
    inputs = _STEM
    for at, (depth, outputs) in enumerate(zip(depths, backbone.channels[1:], strict=True), start=1):
        layer = (f"layer{at}", _layer(backbone, inputs, outputs, depth, stride=1 + (at > 1)))
        before = [("maxpool", nn.MaxPool2d(3, 2, 1))] if at == 1 else []
        stages.append(nn.Sequential(OrderedDict([*before, layer])))
        inputs = outputs
    for stage in stages:
        stage.apply(_begin)
    return stages


def _layer(backbone: Backbone, inputs: int, outputs: int, depth: int, stride: int) -> nn.Module:
    blocks = [
        _block(backbone, outputs if at else inputs, outputs, 1 if at else stride)
        for at in range(depth)
    ]
    return nn.Sequential(*blocks)


def _block(backbone: Backbone, inputs: int, outputs: int, stride: int) -> nn.Module:
    if backbone.torchvision in ("resnet18", "resnet34"):
        return _Basic(inputs, outputs, stride)
    return _Bottleneck(inputs, outputs, stride, early=backbone.name == "resnet50_v1")


def _begin(module: nn.Module) -> None:
    """Draw weights for training, as He et al. 2015 do; batch norm begins as it is made."""
    # Without storage there is nothing to draw, and torch would load its compiler for it.
    if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
