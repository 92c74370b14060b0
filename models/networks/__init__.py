"""Backbones as five stages, each from one tap to the next."""

from collections.abc import Callable

from torch import nn

from models.backbones import Backbone, Family
from models.networks.efficientnet_lite import efficientnet_lite_stages
from models.networks.plain import plain_stages
from models.networks.preact import preact_stages
from models.networks.resnet import resnet_stages

_BUILDERS: dict[Family, Callable[[Backbone], list[nn.Module]]] = {
    "resnet": resnet_stages,
    "plain": plain_stages,
    "efficientnet_lite": efficientnet_lite_stages,
    "preact": preact_stages,
}


def build_stages(backbone: Backbone) -> list[nn.Module]:
    """Return five modules; the k-th maps block k-1 (or the picture) to block k.

    Parameters keep the key names of the published weights, so a state dict loads unmapped.
    """
    return _BUILDERS[backbone.family](backbone)
