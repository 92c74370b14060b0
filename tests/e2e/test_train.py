"""The real command: digits learned on a processor, and a trained network that an index is of."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from models.training.mnist import MnistNet
from tests.e2e.conftest import Command

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("one_thread")]


def test_digits_are_learned_to_98_percent(hueweave: Command, tmp_path: Path) -> None:
    digits = load_digits()
    rows = np.arange(len(digits.target))
    learned, held_out = train_test_split(
        rows, test_size=0.2, stratify=digits.target, random_state=0
    )
    for row in learned:
        path = tmp_path / "digits" / str(digits.target[row]) / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        enlarged(digits.images[row], 8).save(path)
    weights = tmp_path / "digits.safetensors"
    done = hueweave(
        "train", tmp_path / "digits", "--output", weights, "--backbone", "mnist", "--epochs", 8
    )
    assert done.code == 0, done.err
    network = MnistNet().eval()
    network.load_state_dict(load_file(weights), strict=False)
    pixels = np.stack([np.asarray(enlarged(digits.images[row], 28)) for row in held_out])
    with torch.no_grad():
        logits = network(torch.from_numpy(pixels)[:, None].float() / 127.5 - 1)
    assert np.mean(logits.argmax(dim=1).numpy() == digits.target[held_out]) >= 0.98


def enlarged(image: np.ndarray, side: int) -> Image.Image:
    found = Image.fromarray((image * 255 / 16).astype(np.uint8))
    return found.resize((side, side), Image.Resampling.BILINEAR)


def test_an_index_is_built_with_weights_that_were_trained(
    hueweave: Command, fabrics: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "color.safetensors"
    shape = ("--backbone", "preact", "--depth", 10, "--width", 4, "--se")
    how = ("--size", 32, "--epochs", 1, "--attribute", "color")
    done = hueweave("train", fabrics, "--output", weights, *shape, *how)
    assert done.code == 0, done.err
    built = hueweave("build", fabrics, "--index", tmp_path / "index", "--weights", weights)
    assert built.code == 0, built.err
    assert "using preact-10-4-se" in built.err
    found = hueweave("query", fabrics.parent / "images" / "red-dots-0.jpg", "--index",
                     tmp_path / "index", "-a", "color", "-k", 1)  # fmt: skip
    assert "images/red-dots-0.jpg" in found.out
