"""The small network for digits has the values that the lecture's has."""

import torch

from models.training.mnist import MnistNet


def test_mnist_network_has_621706_values_of_which_620746_are_trained() -> None:
    network = MnistNet()
    trained = sum(one.numel() for one in network.parameters() if one.requires_grad)
    statistics = sum(
        one.numel()
        for name, one in network.named_buffers()
        if name.endswith(("running_mean", "running_var"))
    )
    assert (trained, statistics, trained + statistics) == (620_746, 960, 621_706)


def test_gray_pictures_and_their_rgb_are_the_same_to_it() -> None:
    network = MnistNet().eval()
    gray = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = network(gray)
        assert found.shape == (3, 10)
        assert torch.allclose(found, network(gray.expand(-1, 3, -1, -1)), atol=1e-5)
