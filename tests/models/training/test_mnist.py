"""The small network for digits has the values that the lecture's has, and learns."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from models.training.classifier import make_mnist
from models.training.data import LabelledPictures
from models.training.loop import train
from models.training.mnist import MnistNet
from models.training.options import Augmentation, TrainingOptions
from models.training.split import stratified_split
from models.training.watching import TrainingWatcher


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


@pytest.mark.usefixtures("one_thread")
def test_some_hundred_digits_are_enough_to_name_most_of_the_others() -> None:
    digits = load_digits()
    labels = digits.target[:500].astype(np.int64)
    # 8 x 8 of 0 to 16, each pixel three by three times with a border of two, in RGB.
    gray = np.kron(digits.images[:500] * (255 / 16), np.ones((3, 3)))
    pixels = np.pad(gray, ((0, 0), (2, 2), (2, 2)))[..., None].repeat(3, axis=3).astype(np.uint8)
    split = stratified_split(labels, 0.3, 0)
    data = LabelledPictures(lambda rows: pixels[rows], labels, tuple("0123456789"), split)
    options = TrainingOptions(0.05, 1e-4, 28, epochs=4, augmentation=Augmentation(1, False, 0))
    trained = train(make_mnist(10, 0), data, options, {}, torch.device("cpu"), "float32",
                    TrainingWatcher(), lambda checkpoint: None)  # fmt: skip
    assert trained.judgement is not None
    assert trained.judgement.accuracy > 0.9
