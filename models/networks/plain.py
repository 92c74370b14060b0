"""VGG-16 and AlexNet from torchvision, cut after chosen ReLUs of their `features`."""

from collections import OrderedDict

from torch import nn

from models.backbones import Backbone

# Index of the last layer of each stage in torchvision's `features`: VGG-16 ends its five stages
# with the ReLU before each max-pool; AlexNet gives its five convolutions, each after its ReLU.
_LAST_LAYER = {"vgg16": (3, 8, 15, 22, 29), "alexnet": (1, 4, 7, 9, 11)}


def plain_stages(backbone: Backbone) -> list[nn.Module]:
    """Return the five slices of `features`; keys as in torchvision (``features.N.…``)."""
    import torchvision  # half as slow again as torch: not for those who need it not

    features = torchvision.models.get_model(backbone.torchvision, weights=None).features
    ends = _LAST_LAYER[backbone.name]
    starts = (0, *(end + 1 for end in ends[:-1]))
    return [_slice(features, start, end) for start, end in zip(starts, ends, strict=True)]


def _slice(features: nn.Sequential, start: int, end: int) -> nn.Module:
    layers = OrderedDict((str(at), features[at]) for at in range(start, end + 1))
    return nn.Sequential(OrderedDict(features=nn.Sequential(layers)))
