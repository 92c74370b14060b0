"""From names to an extractor: chosen, checked against a recipe, or refused with a way out."""

import hashlib
from dataclasses import replace
from enum import Enum
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from models.backbones import IMAGENET_MEAN, IMAGENET_STD
from models.errors import BlockError, UnknownNameError, WeightsError, WeightsUnavailableError
from models.extraction import PoolName
from models.loading import Loaded, Runtime, load_new, load_pinned
from models.preprocess import Preprocess

SMALL = Preprocess(size=32)
NOWHERE = Runtime("cpu", "float32", mirror="http://127.0.0.1:1")
HERE = Runtime("cpu", "float32")


@pytest.fixture(autouse=True)
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for downloads."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


def save_resnet(path: Path, name: str = "resnet18", seed: int = 0, **metadata: str) -> Path:
    """Write blocks 1 and 2 of a random torchvision model."""
    torch.manual_seed(seed)
    state = torchvision.models.get_model(name, weights=None).state_dict()
    kept = {k: v for k, v in state.items() if k.startswith(("conv1", "bn1", "layer1"))}
    save_file(kept, path, metadata=metadata) if path.suffix != ".pth" else torch.save(kept, path)
    return path


class PublishedWeights(Enum):
    """As torchvision's enum of weights, with a file of random ones behind it."""

    IMAGENET1K_V1 = "resnet50.pth"
    url: str

    def transforms(self) -> SimpleNamespace:
        return SimpleNamespace(mean=list(IMAGENET_MEAN), std=list(IMAGENET_STD))


def publish(name: str, path: Path, monkeypatch: pytest.MonkeyPatch, checkpoints: Path) -> Path:
    """Make ``path`` look as if torchvision had fetched it as the weights of ``name``."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    PublishedWeights.IMAGENET1K_V1.url = f"http://127.0.0.1:1/{name}-{digest}.pth"
    monkeypatch.setattr(torchvision.models, "get_model_weights", lambda model: PublishedWeights)
    return checkpoints / f"{name}-{digest}.pth"


def test_auto_falls_back_to_the_packaged_weights_with_one_notice() -> None:
    notices: list[str] = []
    loaded = load_new("auto", None, (1, 2), SMALL, NOWHERE, notices.append)
    assert (loaded.recipe.backbone, loaded.recipe.weights) == ("efficientnet_lite0", "packaged")
    assert loaded.recipe.mean == (0.5, 0.5, 0.5)
    assert len(notices) == 1
    for words in ("efficientnet_lite0", "resnet50", "http://127.0.0.1:1/resnet50-", "--weights"):
        assert words in notices[0]


def test_auto_takes_resnet50_where_a_server_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoints: Path
) -> None:
    source = save_resnet(tmp_path / "source.pth", "resnet50")
    kept = publish("resnet50", source, monkeypatch, checkpoints)
    fetched: list[str] = []

    def serve(url: str, path: Path, progress: object) -> Path:
        fetched.append(url)
        path.parent.mkdir(parents=True)
        return source.rename(path)

    monkeypatch.setattr("models.weights.fetch", serve)
    notices: list[str] = []
    runtime = replace(NOWHERE, mirror="http://mirror")
    for _ in range(2):  # the second time it is on disk
        loaded = load_new("auto", None, (1, 2), SMALL, runtime, notices.append)
        assert (loaded.recipe.backbone, loaded.recipe.weights) == ("resnet50", "IMAGENET1K_V1")
    assert fetched == [f"http://mirror/{kept.name}"]
    assert kept.is_file()
    assert notices == []


def test_a_backbone_asked_for_by_name_does_not_fall_back() -> None:
    with pytest.raises(WeightsUnavailableError, match="cannot download"):
        load_new("resnet50", None, (1,), SMALL, NOWHERE)
    with pytest.raises(WeightsUnavailableError, match="cannot download"):
        load_new("auto", "IMAGENET1K_V2", (1,), SMALL, NOWHERE)


def test_auto_with_a_file_takes_the_backbone_it_is_for(tmp_path: Path) -> None:
    path = save_resnet(tmp_path / "a.safetensors", backbone="resnet18")
    loaded = load_new("auto", str(path), (1, 2), SMALL, HERE)
    assert (loaded.recipe.backbone, loaded.recipe.weights) == ("resnet18", str(path))


def test_weights_for_another_backbone_are_refused(tmp_path: Path) -> None:
    path = save_resnet(tmp_path / "a.safetensors", "resnet50", backbone="resnet50_v1")
    with pytest.raises(WeightsError, match="'resnet50_v1', not for 'resnet50': use --backbone"):
        load_new("resnet50", str(path), (1,), SMALL, HERE)
    assert load_new("resnet50_v1", str(path), (1,), SMALL, HERE).recipe.backbone == "resnet50_v1"


def test_a_file_for_an_unheard_of_backbone_is_refused(tmp_path: Path) -> None:
    path = save_resnet(tmp_path / "a.safetensors", backbone="swin")
    with pytest.raises(UnknownNameError, match="'swin'"):
        load_new("auto", str(path), (1,), SMALL, HERE)


def test_blocks_past_the_weights_are_refused(tmp_path: Path) -> None:
    path = save_resnet(tmp_path / "a.safetensors")
    with pytest.raises(BlockError, match="block 3 is past what the weights hold"):
        load_new("resnet18", str(path), (1, 3), SMALL, HERE)


def test_network_that_is_known_is_not_loaded_again(tmp_path: Path) -> None:
    path, other = save_resnet(tmp_path / "a.safetensors"), save_resnet(tmp_path / "b.safetensors")
    known = [load_new("resnet18", str(path), blocks, SMALL, HERE) for blocks in ((1,), (1, 2))]

    def load(weights: Path, blocks: tuple[int, ...], preprocess: Preprocess) -> Loaded:
        return load_new("resnet18", str(weights), blocks, preprocess, HERE, print, known)

    assert load(path, (2,), SMALL) is known[1]
    assert load(path, (1,), SMALL) is known[0]
    for one in (load(other, (1,), SMALL), load(path, (1,), Preprocess(size=64))):
        assert one not in known


def test_a_pinned_recipe_gives_the_same_pools_from_another_place(tmp_path: Path) -> None:
    path = save_resnet(tmp_path / "a.safetensors")
    first = load_new("resnet18", str(path), (1, 2), SMALL, HERE)
    moved = save_resnet(tmp_path / "moved.pth")
    path.unlink()
    second = load_pinned(first.recipe, (1, 2), str(moved), HERE)
    assert second.recipe.digest == first.recipe.digest
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    pool = PoolName(2, "gap")
    found = [one.extractor.extract(pixels, [pool])[pool] for one in (first, second)]
    assert np.array_equal(*found)


def test_other_weights_than_the_pinned_are_refused_naming_both(tmp_path: Path) -> None:
    first = load_new("resnet18", str(save_resnet(tmp_path / "a.pth")), (1,), SMALL, HERE).recipe
    other = str(save_resnet(tmp_path / "b.pth", seed=1))
    second = load_new("resnet18", other, (1,), SMALL, HERE).recipe
    with pytest.raises(WeightsError) as caught:
        load_pinned(first, (1,), other, HERE)
    for words in (first.weights_sha256, second.weights_sha256, other, "--weights"):
        assert words in str(caught.value)


def test_missing_pinned_weights_say_what_to_do(tmp_path: Path) -> None:
    path = save_resnet(tmp_path / "a.safetensors")
    recipe = load_new("resnet18", str(path), (1,), SMALL, HERE).recipe
    path.unlink()
    with pytest.raises(WeightsError) as caught:
        load_pinned(recipe, (1,), runtime=HERE)
    for words in (str(path), recipe.weights_sha256, "resnet18", "--weights"):
        assert words in str(caught.value)


def test_missing_published_weights_keep_their_kind_of_error(tmp_path: Path) -> None:
    path = save_resnet(tmp_path / "a.safetensors")
    recipe = load_new("resnet18", str(path), (1,), SMALL, HERE).recipe
    with pytest.raises(WeightsUnavailableError, match="name their place with --weights"):
        load_pinned(replace(recipe, weights="IMAGENET1K_V1"), (1,), runtime=NOWHERE)


def test_the_pinned_normalisation_is_followed(tmp_path: Path) -> None:
    path = save_resnet(tmp_path / "a.safetensors")
    recipe = load_new("resnet18", str(path), (1,), SMALL, HERE).recipe
    changed = replace(recipe, mean=(0.1, 0.2, 0.3))
    assert load_pinned(changed, (1,), runtime=HERE).recipe.digest == changed.digest


def test_auto_with_packaged_weights_takes_the_network_they_are_for() -> None:
    notices: list[str] = []
    loaded = load_new("auto", "packaged", (1,), SMALL, NOWHERE, notices.append)
    assert (loaded.recipe.backbone, notices) == ("efficientnet_lite0", [])


def test_auto_falls_back_where_weights_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    notices: list[str] = []
    loaded = load_new("auto", None, (1,), SMALL, NOWHERE, notices.append)
    assert loaded.recipe.backbone == "efficientnet_lite0"
    assert len(notices) == 1
