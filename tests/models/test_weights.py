"""Weights are found by name or file, read without running code, and told apart by digest."""

import pickle
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from models.backbones import get_backbone
from models.errors import UnknownNameError, WeightsError
from models.weights import (
    Weights,
    declared_backbone,
    digest_tensors,
    find_weights,
    load_state,
    published_names,
)

RESNET50 = get_backbone("resnet50")


def at(path: Path) -> Weights:
    return Weights(str(path), path, RESNET50.mean, RESNET50.std)


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in the place where torch keeps weights."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_published_names_are_torchvisions() -> None:
    assert published_names(RESNET50) == ("IMAGENET1K_V1", "IMAGENET1K_V2")
    assert published_names(get_backbone("efficientnet_lite0")) == ("packaged",)
    assert published_names(get_backbone("resnet50_v1")) == ()


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        UnknownNameError, match=r"'V3': .* IMAGENET1K_V1, IMAGENET1K_V2, the path of a file"
    ):
        find_weights(RESNET50, "V3")
    with pytest.raises(UnknownNameError, match=r"'IMAGENET1K_V1': expected one of packaged"):
        find_weights(get_backbone("efficientnet_lite0"), "IMAGENET1K_V1")


def test_a_backbone_without_published_weights_asks_for_a_file() -> None:
    with pytest.raises(WeightsError, match=r"'resnet50_v1' has no published.*--weights FILE"):
        find_weights(get_backbone("resnet50_v1"))


def test_weights_on_disk_are_used_without_network(checkpoints: Path) -> None:
    path = checkpoints / "resnet50-11ad3fa6.pth"
    path.touch()
    found = find_weights(RESNET50, "IMAGENET1K_V2", mirror="http://127.0.0.1:1")
    assert found == Weights("IMAGENET1K_V2", path, RESNET50.mean, RESNET50.std)


def test_a_file_is_recorded_by_its_absolute_path(tmp_path: Path) -> None:
    (tmp_path / "net.pth").touch()  # tests run in tmp_path
    found = find_weights(RESNET50, "net.pth")
    assert (found.name, found.path) == (str(tmp_path / "net.pth"), tmp_path / "net.pth")
    assert (found.mean, found.std) == (RESNET50.mean, RESNET50.std)


@pytest.mark.parametrize("name", ["gone.pth", "gone.safetensors", "some/where", "~/gone.pt"])
def test_a_missing_file_is_named(name: str) -> None:
    with pytest.raises(WeightsError, match=r"no weights file at '/.*': expected \.safetensors"):
        find_weights(RESNET50, name)


def test_packaged_weights_are_there() -> None:
    found = find_weights(get_backbone("efficientnet_lite0"))
    assert (found.name, found.path.is_file()) == ("packaged", True)
    assert (found.mean, found.std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"state_dict": state}])
def test_a_state_dict_is_read_in_float32_under_plain_keys(wrap, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    halves = torch.tensor([1.5, -2.0], dtype=torch.float16)
    torch.save(wrap({"module.a": halves, "n": torch.tensor(7)}), tmp_path / "net.pth")
    state = load_state(at(tmp_path / "net.pth"))
    assert list(state) == ["a", "n"]
    assert (state["a"].dtype, state["a"].tolist()) == (torch.float32, [1.5, -2.0])
    assert state["n"].dtype == torch.int64


def test_a_safetensors_file_is_read_in_float32(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file({"a": torch.tensor([0.25, 3.0], dtype=torch.bfloat16)}, path)
    state = load_state(at(path))
    assert (state["a"].dtype, state["a"].tolist()) == (torch.float32, [0.25, 3.0])


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, ("ran", "w")


@pytest.mark.parametrize("legacy", [True, False])
def test_code_in_a_file_is_not_run(legacy: bool, tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    if legacy:
        path.write_bytes(pickle.dumps({"a": Hostile()}, protocol=2))
    else:
        torch.save({"a": Hostile()}, path)
    with pytest.raises(
        WeightsError, match=r"net\.pth' is not a weights file: .* code, which is never"
    ):
        load_state(at(path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".bin"])
@pytest.mark.parametrize("data", [b"", b"<html>", bytes(100), b"PK\x03\x04" + bytes(50)])
def test_bytes_that_are_no_weights_are_refused(suffix: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"is not a weights file: \w.*expected safetensors or"):
        load_state(at(path))


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_mutated_bytes_give_tensors_or_a_weights_error(kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("net.safetensors" if kind == "safetensors" else "net.pth")
    state = {"a": torch.arange(6.0), "b": torch.ones(2, 3)}
    if kind == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind == "zip")
    data, chance, refused = path.read_bytes(), random.Random(1), 0
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(chance.choice((1, 2, 5))):
            spot = chance.randrange(min(len(changed), 400))
            changed[spot : spot + chance.choice((0, 1, 1, 9))] = chance.randbytes(1)
        path.write_bytes(changed)
        try:
            load_state(at(path))
        except WeightsError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("content", [[1, 2], {"a": 3}, torch.zeros(2), {"state_dict": {"a": "b"}}])
def test_files_of_something_else_are_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "net.pth")
    with pytest.raises(WeightsError, match="something other than named tensors"):
        load_state(at(tmp_path / "net.pth"))


def test_a_file_says_which_backbone_it_is_for(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata={"backbone": "resnet50_v1"})
    assert declared_backbone(path) == "resnet50_v1"
    save_file({"a": torch.zeros(1)}, path)
    assert declared_backbone(path) is None
    assert declared_backbone(tmp_path / "net.pth") is None
    path.write_bytes(b"<html>")
    with pytest.raises(WeightsError, match="is not a weights file"):
        declared_backbone(path)


def test_a_digest_is_of_names_shapes_and_values() -> None:
    state = {"a": torch.arange(6.0), "b": torch.ones(2), "c": torch.zeros(1)}
    digest = digest_tensors(state, ["a", "b"])
    assert digest == digest_tensors(state, ["b", "a"])
    assert len(digest) == 64
    others = [
        digest_tensors(state, ["a"]),
        digest_tensors(state | {"a": torch.arange(6.0).view(2, 3)}, ["a", "b"]),
        digest_tensors(state | {"a": torch.arange(6.0) + 1e-6}, ["a", "b"]),
        digest_tensors({"a": state["a"], "d": state["b"]}, ["a", "d"]),
    ]
    assert digest not in others
    assert len(set(others)) == 4
    strided = torch.arange(6.0).view(2, 3).T.contiguous().T.reshape(-1)
    assert digest_tensors(state | {"a": strided}, ["a", "b"]) == digest
