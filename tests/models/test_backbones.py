"""The table of backbones says what torchvision builds and what its weights expect."""

import pytest
import torch
import torchvision

from models.backbones import BACKBONES, BLOCKS, HALF, IMAGENET_MEAN, IMAGENET_STD, get_backbone
from models.errors import UnknownNameError
from models.network import Network
from models.networks import build_stages


def test_an_unknown_backbone_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match=r"backbone 'resnet51'") as caught:
        get_backbone("resnet51")
    assert all(name in str(caught.value) for name in ("auto", *BACKBONES))


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_has_five_taps_as_wide_as_the_table_says(name: str) -> None:
    backbone = get_backbone(name)
    with torch.device("meta"):
        network = Network(build_stages(backbone)).eval()
        sizes = {
            block: found.shape for block, found in network(torch.empty(1, 3, 224, 224), BLOCKS)
        }
    assert tuple(size[1] for size in sizes.values()) == backbone.channels
    sides = [size[2] for size in sizes.values()]
    assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize("name", [n for n, b in BACKBONES.items() if b.torchvision])
def test_keys_are_those_of_torchvisions_own_state(name: str) -> None:
    backbone = get_backbone(name)
    with torch.device("meta"):
        ours = {key for stage in build_stages(backbone) for key in stage.state_dict()}
        theirs = set(torchvision.models.get_model(backbone.torchvision, weights=None).state_dict())
    heads = ("fc.", "classifier.")
    assert ours == {key for key in theirs if not key.startswith(heads)}


@pytest.mark.parametrize("name", [n for n, b in BACKBONES.items() if b.weights and b.torchvision])
def test_default_weights_are_published_for_the_normalisation_of_the_table(name: str) -> None:
    backbone = get_backbone(name)
    train = torchvision.models.get_model_weights(backbone.torchvision)[
        backbone.weights
    ].transforms()
    assert tuple(train.mean) == backbone.mean == IMAGENET_MEAN
    assert tuple(train.std) == backbone.std == IMAGENET_STD


def test_the_packaged_backbone_wants_minus_one_to_one() -> None:
    backbone = get_backbone("efficientnet_lite0")
    assert (backbone.mean, backbone.std, backbone.weights) == (HALF, HALF, "packaged")


def test_taps_said_to_be_rectified_are_never_negative_and_others_are() -> None:
    for name in ("resnet18", "alexnet", "efficientnet_lite0"):
        backbone = get_backbone(name)
        torch.manual_seed(0)
        network = Network(build_stages(backbone)).eval()
        with torch.no_grad():
            for block, found in network(torch.randn(1, 3, 64, 64), BLOCKS):
                assert bool(found.min() >= 0) == backbone.rectified[block - 1], (name, block)
