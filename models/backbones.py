"""The table of backbones: taps, channels, input normalisation and default weights.

Blocks 1 to 5 are the taps. Sizes of maps are for a 224 x 224 input. ResNets: He et al. 2016,
table 1; VGG: Simonyan and Zisserman 2015, configuration D; AlexNet: Krizhevsky 2014 ("one weird
trick"), as in torchvision; EfficientNet-Lite0: Tan and Le 2019 without squeeze-and-excitation.
Networks of pre-activation blocks are named by their shape: there is one of any depth and width.
"""

from dataclasses import dataclass
from typing import Literal

from models.errors import UnknownNameError, WeightsError
from models.preact import PREACT_FORM, PreactShape, parse_preact

Family = Literal["resnet", "plain", "efficientnet_lite", "preact"]
MNIST = "mnist"
"""A network that can be trained but has no five blocks, so no index is made with it."""
BLOCKS = (1, 2, 3, 4, 5)
PACKAGED = "packaged"
AUTO = "auto"

Triple = tuple[float, float, float]
IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)
HALF: Triple = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Backbone:
    """One network: what it yields at blocks 1 to 5 and what it wants as input.

    ``channels`` are the widths of the five taps; ``mean`` and ``std`` normalise RGB in 0..1;
    ``weights`` is the default: a torchvision enum name, ``packaged``, or None where a file
    must be given. ``torchvision`` is the name of the torchvision model it is built from.
    ``rectified`` says which taps are never negative. ``texture`` lists blocks from the best for
    texture on down where that is not a preset's own order, ``stored`` those that an index stores
    unless told otherwise. ``preact`` is the shape of a network of that family.
    """

    name: str
    family: Family
    channels: tuple[int, int, int, int, int]
    weights: str | None
    torchvision: str | None
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    rectified: tuple[bool, bool, bool, bool, bool] = (True, True, True, True, True)
    texture: tuple[int, ...] = ()
    stored: tuple[int, ...] = (1, 2, 3, 4)
    preact: PreactShape | None = None


_BASIC = (64, 64, 128, 256, 512)
_BOTTLENECK = (64, 256, 512, 1024, 2048)

BACKBONES: dict[str, Backbone] = {
    spec.name: spec
    for spec in (
        Backbone("resnet18", "resnet", _BASIC, "IMAGENET1K_V1", "resnet18"),
        Backbone("resnet34", "resnet", _BASIC, "IMAGENET1K_V1", "resnet34"),
        Backbone("resnet50", "resnet", _BOTTLENECK, "IMAGENET1K_V1", "resnet50"),
        Backbone("resnet101", "resnet", _BOTTLENECK, "IMAGENET1K_V1", "resnet101"),
        Backbone("resnet152", "resnet", _BOTTLENECK, "IMAGENET1K_V1", "resnet152"),
        # The stride sits in the first 1x1 convolution of a block, as in Keras and Caffe weights;
        # torchvision's own weights are for the 3x3 stride, so a file has to be given.
        Backbone("resnet50_v1", "resnet", _BOTTLENECK, None, "resnet50"),
        Backbone("vgg16", "plain", (64, 128, 256, 512, 512), "IMAGENET1K_V1", "vgg16"),
        Backbone("alexnet", "plain", (64, 192, 384, 256, 256), "IMAGENET1K_V1", "alexnet"),
        Backbone(
            "efficientnet_lite0",
            "efficientnet_lite",
            (32, 24, 40, 112, 320),
            PACKAGED,
            None,
            mean=HALF,
            std=HALF,
            # MBConv ends in a linear projection; only the stem's tap comes after a ReLU6.
            rectified=(True, False, False, False, False),
            texture=(5, 4, 3, 2, 1),
            # The last block is narrow, costs little and knows texture best.
            stored=BLOCKS,
        ),
    )
}


def get_backbone(name: str) -> Backbone:
    """Return the backbone called ``name``; raises UnknownNameError naming the known ones.

    Raises WeightsError for a network that has no five blocks.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    shape = parse_preact(name)
    if shape is not None:
        return preact_backbone(shape)
    if name == MNIST:
        raise WeightsError(
            f"no index can be made with {MNIST!r}: it sees 28 x 28 gray pictures and has no five "
            f"blocks; train another backbone for that, such as resnet18 or {PREACT_FORM}"
        )
    raise UnknownNameError("backbone", name, (AUTO, *BACKBONES, PREACT_FORM))


def preact_backbone(shape: PreactShape) -> Backbone:
    """Return the backbone of pre-activation blocks that has ``shape``; weights come from a file."""
    return Backbone(shape.name, "preact", shape.channels, None, None, preact=shape)
