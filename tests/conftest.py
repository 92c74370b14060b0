"""Fixtures shared by all tests: a fake index, and the shared set where it is there."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from api.logs import OURS, StandardError
from tests.fakes import build_fake, random_colors, write_pictures

# Real pictures and ImageNet weights, beside the checkout; CONTRIBUTING.md says what is in it.
SHARED = Path(os.environ.get("HUEWEAVE_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("HUEWEAVE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real pictures and weights; tests that need it are skipped, visibly."""
    if not (SHARED / "weights").is_dir():
        pytest.skip(f"no shared pictures and weights at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a resnet18, as deep as block 3."""
    import torch
    import torchvision
    from safetensors.torch import save_file

    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = torchvision.models.resnet18().state_dict()
    wanted = ("conv1", "bn1", "layer1", "layer2")
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    save_file({name: value for name, value in state.items() if name.startswith(wanted)}, path)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of 20 small pictures."""
    folder = tmp_path / "pictures"
    write_pictures(folder, random_colors(20))
    return folder


@pytest.fixture
def fake_index(tmp_path: Path, pictures: Path) -> Path:
    """An index of those pictures, made with the fake network."""
    index = tmp_path / "index"
    build_fake(index, pictures)
    return index


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute on one thread: for tiny networks, several wait for each other most of the time."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _pillow_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take back Pillow's own limit, a global that follows that of the last picture decoded."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Take back what a command that serves has set up: the log of the whole process."""
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in OURS)]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
        for handler in [one for one in logger.handlers if isinstance(one, StandardError)]:
            logger.removeHandler(handler)
