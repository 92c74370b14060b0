"""The ResNet family from torchvision, cut at conv1 and at the ends of its four stages."""

from collections import OrderedDict

import torchvision
from torch import nn

from models.backbones import Backbone


def resnet_stages(backbone: Backbone) -> list[nn.Module]:
    """Return stem, max-pool + layer1, layer2, layer3, layer4; keys as in torchvision."""
    net = torchvision.models.get_model(backbone.torchvision, weights=None)
    if backbone.name == "resnet50_v1":
        _move_stride_to_first_convolution(net)
    parts: list[list[tuple[str, nn.Module]]] = [
        [("conv1", net.conv1), ("bn1", net.bn1), ("relu", net.relu)],
        [("maxpool", net.maxpool), ("layer1", net.layer1)],
        [("layer2", net.layer2)],
        [("layer3", net.layer3)],
        [("layer4", net.layer4)],
    ]
    return [nn.Sequential(OrderedDict(part)) for part in parts]


def _move_stride_to_first_convolution(net: nn.Module) -> None:
    """He et al. 2016 stride in the 1x1; torchvision moved it to the 3x3 ("v1.5")."""
    for name in ("layer2", "layer3", "layer4"):
        first = getattr(net, name)[0]
        first.conv1.stride, first.conv2.stride = (2, 2), (1, 1)
