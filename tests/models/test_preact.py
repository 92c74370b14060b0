"""Pre-activation networks: names, shapes, the order within a block, and what loading folds."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from models.backbones import BLOCKS, get_backbone
from models.errors import UnknownNameError, WeightsError
from models.network import Network, load_network
from models.networks import build_stages
from models.networks.preact import PreactBlock
from models.preact import PreactShape, parse_preact


@pytest.mark.parametrize(
    ("depth", "blocks"),
    [(10, (1, 1, 1, 1)), (12, (1, 1, 2, 1)), (14, (1, 2, 2, 1)), (16, (1, 2, 2, 2)),
     (18, (2, 2, 2, 2)), (110, (13, 14, 14, 13))],
)  # fmt: skip
def test_any_even_depth_is_spread_over_four_stages(
    depth: int, blocks: tuple[int, int, int, int]
) -> None:
    shape = PreactShape(depth, 8)
    assert shape.blocks == blocks
    assert 2 * sum(shape.blocks) + 2 == depth


@pytest.mark.parametrize("shape", [PreactShape(18, 64), PreactShape(10, 4, se=True)])
def test_names_and_shapes_stand_for_each_other(shape: PreactShape) -> None:
    assert parse_preact(shape.name) == shape
    assert get_backbone(shape.name).channels == shape.channels


@pytest.mark.parametrize("name", ["preact-18", "preact-17-64", "preact-8-64", "preact-18-0",
                                  "preact-18-600", "preact-018-64", "preact-18-64-es"])  # fmt: skip
def test_a_name_of_no_such_network_is_unknown(name: str) -> None:
    assert parse_preact(name) is None
    with pytest.raises(UnknownNameError, match=r"preact-DEPTH-WIDTH\[-se\]"):
        get_backbone(name)


def test_no_index_is_made_with_the_digits_network() -> None:
    with pytest.raises(WeightsError, match=r"no index can be made with 'mnist': .*five blocks"):
        get_backbone("mnist")


def test_a_block_is_bn_relu_conv_bn_relu_conv_and_its_input() -> None:
    torch.manual_seed(0)
    block = PreactBlock(4, 4, opening=False, se=False).eval()
    x = torch.randn(2, 4, 6, 6)
    with torch.no_grad():
        first = F.conv2d(
            F.relu(F.batch_norm(x, *statistics(block.bn1))), block.conv1.weight, None, 1, 1
        )
        second = F.relu(F.batch_norm(first, *statistics(block.bn2)))
        expected = x + F.conv2d(second, block.conv2.weight, None, 1, 1)
        assert torch.allclose(block(x), expected, atol=1e-5)


def statistics(norm: nn.Module) -> tuple[torch.Tensor, ...]:
    """What batch_norm takes; moved first, so that leaving it out would show."""
    nn.init.uniform_(norm.running_mean, -0.5, 0.5)
    nn.init.uniform_(norm.running_var, 0.5, 2)
    return norm.running_mean, norm.running_var, norm.weight, norm.bias


def test_an_opening_block_projects_what_it_is_given() -> None:
    block = PreactBlock(4, 6, opening=True, se=False).eval()
    x = torch.rand(1, 4, 8, 8)
    nn.init.zeros_(block.conv2.weight)
    with torch.no_grad():
        assert torch.allclose(block(x), F.conv2d(x, block.projection.weight, stride=2))


def test_squeeze_and_excitation_gates_the_branch_and_not_the_shortcut() -> None:
    block = PreactBlock(4, 4, opening=False, se=True).eval()
    nn.init.zeros_(block.se.expand.weight)
    nn.init.constant_(block.se.expand.bias, -100)
    x = torch.randn(1, 4, 5, 5)
    with torch.no_grad():
        assert torch.allclose(block(x), x)


@pytest.mark.parametrize("name", ["preact-10-8", "preact-18-4-se"])
def test_taps_halve_are_rectified_and_survive_folding(name: str) -> None:
    backbone = get_backbone(name)
    torch.manual_seed(1)
    stages = build_stages(backbone)
    for stage in stages:
        for module in stage.modules():
            if isinstance(module, nn.BatchNorm2d):
                statistics(module)
    whole = Network(stages).eval()
    state = {key: value for stage in stages for key, value in stage.state_dict().items()}
    folded, _ = load_network(backbone, state)
    pixels = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        found, plain = dict(folded(pixels, BLOCKS)), dict(whole(pixels, BLOCKS))
    assert [one.shape[2] for one in found.values()] == [112, 56, 28, 14, 7]
    for block in BLOCKS:
        assert found[block].shape[1] == backbone.channels[block - 1]
        assert found[block].min() >= 0
        assert torch.allclose(found[block], plain[block], atol=1e-4 * float(plain[block].max()))
