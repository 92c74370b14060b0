"""The packaged network sees: with its own head, it names what is in real photos."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from models.backbones import HALF, get_backbone
from models.images import decode
from models.network import Network, load_network
from models.networks.efficientnet_lite import SameConv2d
from models.weights import find_weights, load_state

PHOTOS = Path(skimage.__file__).parent / "data"
BACKBONE = get_backbone("efficientnet_lite0")


@cache
def packaged() -> tuple[Network, dict[str, Tensor]]:
    state = load_state(find_weights(BACKBONE))
    return load_network(BACKBONE, state)[0], state


def probabilities(photo: str) -> Tensor:
    """The 1000 classes of ImageNet for the middle square of a photo."""
    network, state = packaged()
    image = decode((PHOTOS / photo).read_bytes())
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.resize(
        (224, 224), Image.Resampling.BICUBIC, (left, top, left + side, top + side)
    )
    pixels = torch.from_numpy(np.array(square)).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        x = dict(network((pixels - HALF[0]) / HALF[0], [5]))[5]
        x = F.conv2d(x, state["_conv_head.weight"])
        norm = [state[f"_bn1.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
        x = F.relu6(F.batch_norm(x, *norm, eps=1e-3)).mean(dim=(2, 3))
        return F.linear(x, state["_fc.weight"], state["_fc.bias"]).softmax(dim=1)[0]


@pytest.mark.parametrize(
    ("photo", "classes"),
    [
        ("chelsea.png", {281, 282, 285}),  # tabby, tiger cat, Egyptian cat
        ("coffee.png", {967, 968}),  # espresso, cup
        ("rocket.jpg", {657, 744, 812}),  # missile, projectile, space shuttle
    ],
)
def test_a_photo_is_named_for_what_it_shows(photo: str, classes: set[int]) -> None:
    found = probabilities(photo)
    assert int(found.argmax()) in classes
    assert found[sorted(classes)].sum() > 0.3


@pytest.mark.parametrize("size", [7, 8, 14, 15])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
def test_same_padding_is_tensorflows(size: int, stride: int, kernel: int) -> None:
    torch.manual_seed(0)
    layer = SameConv2d(2, 2, kernel, stride, 2)
    x = torch.randn(1, 2, size, size)
    # TensorFlow: ceil(size / stride) outputs; of an odd padding the extra row goes below.
    outputs = -(-size // stride)
    padding = max((outputs - 1) * stride + kernel - size, 0)
    padded = nn.ZeroPad2d((padding // 2, padding - padding // 2) * 2)(x)
    with torch.no_grad():
        found = layer(x)
        assert found.shape[2:] == (outputs, outputs)
        for row in range(outputs):
            for column in range(outputs):
                top, left = row * stride, column * stride
                window = padded[0, :, top : top + kernel, left : left + kernel]
                expected = (window * layer.weight[:, 0]).sum(dim=(1, 2))
                assert torch.allclose(found[0, :, row, column], expected, atol=1e-5)
