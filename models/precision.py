"""Where and in which numbers the network runs."""

import platform
import re
from typing import Literal

import torch

from models.errors import UnknownNameError
from models.recipe import check_precision

Precision = Literal["float32", "bfloat16"]
DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str = "auto") -> torch.device:
    """Return CUDA if there is one and ``name`` is auto, else what ``name`` says."""
    if name not in DEVICES and not re.fullmatch(r"cuda:\d+", name):
        raise UnknownNameError("device", name, (*DEVICES, "cuda:N"))
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda" if count else "cpu")
    if name.startswith("cuda") and int(name[5:] or 0) >= count:
        raise UnknownNameError("device", name, (f"cpu (usable CUDA devices here: {count})",))
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> Precision:
    """Return bfloat16 where ``device`` computes in it natively and ``name`` is auto, else as told.

    bfloat16 and float32 serve the same index: top-10 lists overlap by more than 0.95. Raises
    UnknownNameError, and PrecisionError for int8, which a network of floats is not run in.
    """
    check_precision(name)
    if name == "auto":
        return "bfloat16" if _computes_bfloat16(device) else "float32"
    return "float32" if name == "float32" else "bfloat16"


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # torch emulates bfloat16 on any processor, slowly, so ask for the instructions themselves.
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    if platform.machine() in ("aarch64", "arm64"):
        return bool(capabilities.get("bf16"))
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
