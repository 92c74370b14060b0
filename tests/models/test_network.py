"""Maps of the blocks are those of the untouched torchvision models, and no more is run."""

from collections.abc import Iterable

import pytest
import torch
import torchvision
from torch import Tensor, nn

from models.backbones import BACKBONES, get_backbone
from models.errors import BlockError, WeightsError
from models.network import Network, load_network
from models.networks import build_stages
from models.networks.efficientnet_lite import MBConv

State = dict[str, Tensor]

# Where torchvision's own modules yield each block: conv1's ReLU and the four stages; the ReLU
# before each of VGG's max-pools; AlexNet's five ReLUs.
TAPS = {
    "resnet18": ("relu", "layer1", "layer2", "layer3", "layer4"),
    "resnet50": ("relu", "layer1", "layer2", "layer3", "layer4"),
    "resnet50_v1": ("relu", "layer1", "layer2", "layer3", "layer4"),
    "vgg16": tuple(f"features.{at}" for at in (3, 8, 15, 22, 29)),
    "alexnet": tuple(f"features.{at}" for at in (1, 4, 7, 9, 11)),
}


def torchvision_model(name: str) -> nn.Module:
    """An untouched model with seeded weights and batch norms that have seen something."""
    torch.manual_seed(3)
    model = torchvision.models.get_model(BACKBONES[name].torchvision, weights=None)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
    if name == "resnet50_v1":
        for stage in (model.layer2, model.layer3, model.layer4):
            stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    return model.eval()


def hooked_maps(model: nn.Module, taps: Iterable[str], pixels: Tensor) -> list[Tensor]:
    """The first output of each named module in one run of the whole model."""
    seen: dict[str, Tensor] = {}

    def keep(name: str, found: Tensor) -> None:
        # The one ReLU of a ResNet block runs several times; conv1's comes first.
        if name not in seen:
            seen[name] = found.clone()

    for name in taps:
        module = model.get_submodule(name)
        module.register_forward_hook(lambda _m, _i, found, name=name: keep(name, found))
    with torch.no_grad():
        model(pixels)
    return [seen[name] for name in taps]


def pixels(side: int = 64) -> Tensor:
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(5))


def maps(network: Network, blocks: Iterable[int], side: int = 64) -> dict[int, Tensor]:
    with torch.no_grad():
        return dict(network(pixels(side), blocks))


@pytest.fixture(scope="module")
def resnet18() -> State:
    return torchvision_model("resnet18").state_dict()


@pytest.mark.parametrize("name", TAPS)
def test_maps_equal_those_that_hooks_see_on_torchvisions_model(name: str) -> None:
    model = torchvision_model(name)
    network, _ = load_network(get_backbone(name), model.state_dict())
    ours = maps(network, (1, 2, 3, 4, 5))
    for block, theirs in enumerate(hooked_maps(model, TAPS[name], pixels()), start=1):
        assert ours[block].shape == theirs.shape
        assert theirs.shape[1] == BACKBONES[name].channels[block - 1]
        assert (ours[block] - theirs).abs().max() <= 1e-4 * theirs.abs().max()
        assert theirs.abs().max() > 1e-3


@pytest.mark.parametrize("name", ["resnet50", "resnet50_v1"])
def test_maps_have_the_sizes_of_the_paper_at_224(name: str) -> None:
    network, _ = load_network(get_backbone(name), torchvision_model(name).state_dict())
    shapes = {
        block: tuple(found.shape[1:]) for block, found in maps(network, range(1, 6), 224).items()
    }
    assert shapes == {
        1: (64, 112, 112),
        2: (256, 56, 56),
        3: (512, 28, 28),
        4: (1024, 14, 14),
        5: (2048, 7, 7),
    }


def test_the_two_strides_of_resnet50_compute_something_else() -> None:
    state = torchvision_model("resnet50").state_dict()
    found = [
        maps(load_network(get_backbone(n), state)[0], (2, 3)) for n in ("resnet50", "resnet50_v1")
    ]
    assert torch.equal(found[0][2], found[1][2])
    assert (found[0][3] - found[1][3]).abs().max() > 0.1 * found[0][3].abs().max()


@pytest.mark.parametrize("name", ["resnet18", "alexnet", "efficientnet_lite0"])
@pytest.mark.parametrize("deepest", [1, 2, 4, 5])
def test_nothing_past_the_deepest_block_is_run(name: str, deepest: int) -> None:
    network, _ = load_network(get_backbone(name), random_state(name))
    ran: list[int] = []
    for block, stage in enumerate(network.stages, start=1):
        stage.register_forward_hook(lambda *_, block=block: ran.append(block))
    assert list(maps(network, [deepest, 1])) == sorted({1, deepest})
    assert ran == list(range(1, deepest + 1))


def random_state(name: str) -> State:
    torch.manual_seed(0)
    return {
        k: v for stage in build_stages(get_backbone(name)) for k, v in stage.state_dict().items()
    }


def test_a_partial_state_serves_its_blocks_and_no_others(resnet18: State) -> None:
    deeper = ("layer3", "layer4", "fc")
    partial = {key: value for key, value in resnet18.items() if not key.startswith(deeper)}
    backbone = get_backbone("resnet18")
    network, _ = load_network(backbone, partial)
    assert network.depth == 3
    whole, _ = load_network(backbone, resnet18)
    assert torch.equal(maps(network, [3])[3], maps(whole, [3])[3])
    with pytest.raises(BlockError, match=r"block 4 .* cover blocks 1 to 3 of resnet18"):
        load_network(backbone, partial, (1, 4))


def test_only_the_blocks_asked_for_are_loaded(resnet18: State) -> None:
    assert load_network(get_backbone("resnet18"), resnet18, (2,))[0].depth == 2


def test_foreign_weights_are_refused(resnet18: State) -> None:
    with pytest.raises(WeightsError, match=r"not vgg16's: 'features\.0\.weight' is missing.*conv1"):
        load_network(get_backbone("vgg16"), resnet18)
    with pytest.raises(WeightsError, match="begins with 'nothing'"):
        load_network(get_backbone("resnet18"), {})


def test_weights_of_a_sibling_are_refused_by_shape(resnet18: State) -> None:
    wide = dict(resnet18) | {"layer1.0.conv1.weight": torch.zeros(64, 64, 1, 1)}
    with pytest.raises(WeightsError, match=r"not resnet18's: size mismatch for layer1\.0\.conv1"):
        load_network(get_backbone("resnet18"), wide)


def test_the_digest_counts_values_and_depth_and_not_the_format(resnet18: State) -> None:
    backbone = get_backbone("resnet18")
    halves = {k: v.half() if v.is_floating_point() else v for k, v in resnet18.items()}
    singles = {k: v.float() if v.is_floating_point() else v for k, v in halves.items()}
    partial = {k: v for k, v in singles.items() if not k.startswith(("layer2", "layer3", "layer4"))}
    digest = load_network(backbone, singles, (1, 2))[1]
    assert load_network(backbone, partial)[1] == digest
    assert load_network(backbone, singles, (2,))[1] == digest
    assert load_network(backbone, singles, (3,))[1] != digest
    assert load_network(backbone, dict(reversed(singles.items())), (2,))[1] == digest
    changed = dict(singles) | {"bn1.bias": singles["bn1.bias"].clone()}
    changed["bn1.bias"][7] += 1e-6
    assert load_network(backbone, changed, (2,))[1] != digest
    deeper = dict(singles) | {"layer4.1.bn2.bias": singles["layer4.1.bn2.bias"] + 1}
    assert load_network(backbone, deeper, (2,))[1] == digest


def test_loading_leaves_the_state_as_it_was(resnet18: State) -> None:
    before = {key: value.clone() for key, value in resnet18.items()}
    network, _ = load_network(get_backbone("resnet18"), resnet18)
    maps(network.to(torch.bfloat16).float(), [5])
    assert all(torch.equal(before[key], resnet18[key]) for key in before)


def test_batch_norms_are_folded_away(resnet18: State) -> None:
    network, _ = load_network(get_backbone("resnet18"), resnet18)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    lite, _ = load_network(get_backbone("efficientnet_lite0"), random_state("efficientnet_lite0"))
    assert sum(isinstance(module, MBConv) for module in lite.modules()) == 16
    assert not any(isinstance(module, nn.BatchNorm2d) for module in lite.modules())
