"""Devices and number formats are chosen by name, or by what the machine can do."""

import pytest
import torch

from models.errors import UnknownNameError
from models.precision import choose_device, choose_precision

CPU = torch.device("cpu")


def pretend_cuda_devices(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


def test_a_device_is_what_its_name_says(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_cuda_devices(monkeypatch, 2)
    assert choose_device("cpu") == CPU
    assert choose_device("cuda") == torch.device("cuda")
    assert choose_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize(("count", "kind"), [(1, "cuda"), (0, "cpu")])
def test_auto_takes_cuda_where_there_is_one(
    count: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_cuda_devices(monkeypatch, count)
    assert choose_device().type == kind


@pytest.mark.parametrize(("count", "name"), [(0, "cuda"), (0, "cuda:0"), (2, "cuda:2")])
def test_a_device_that_is_not_there_is_refused(
    count: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_cuda_devices(monkeypatch, count)
    with pytest.raises(UnknownNameError, match=rf"device '{name}'.*CUDA devices here: {count}"):
        choose_device(name)


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:one", "cudaz", ""])
def test_an_unknown_device_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_cuda_devices(monkeypatch, 1)
    with pytest.raises(UnknownNameError, match="expected one of auto, cpu, cuda, cuda:N"):
        choose_device(name)


def test_a_precision_is_what_its_name_says() -> None:
    assert choose_precision("float32", CPU) == "float32"
    assert choose_precision("bfloat16", CPU) == "bfloat16"


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"'float16': expected one of auto, float32, bf"):
        choose_precision("float16", CPU)


@pytest.mark.parametrize(
    ("machine", "capabilities", "expected"),
    [
        ("x86_64", {}, "float32"),
        ("x86_64", {"avx512_bf16": False, "amx_bf16": False}, "float32"),
        ("x86_64", {"avx512_bf16": True}, "bfloat16"),
        ("x86_64", {"amx_bf16": True}, "bfloat16"),
        ("x86_64", {"bf16": True}, "float32"),
        ("aarch64", {"bf16": True}, "bfloat16"),
        ("arm64", {"bf16": False}, "float32"),
    ],
)
def test_auto_takes_bfloat16_where_a_processor_has_instructions_for_it(
    machine: str, capabilities: dict[str, bool], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert choose_precision("auto", CPU) == expected


@pytest.mark.parametrize(("version", "expected"), [((7, 5), "float32"), ((8, 0), "bfloat16")])
def test_auto_takes_bfloat16_on_ampere_and_later(
    version: tuple[int, int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: version)
    assert choose_precision("auto", torch.device("cuda")) == expected
