"""The recipe: everything between pixels and raw pools, with a digest that pins it."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from models.backbones import Triple
from models.errors import PrecisionError, UnknownNameError
from models.preprocess import Preprocess

PRECISIONS = ("auto", "float32", "bfloat16", "int8")
INT8 = "int8"


def check_precision(name: str) -> None:
    """Raise UnknownNameError for a precision there is not, PrecisionError for int8, which no
    network runs in but one that was made for an index out of its pictures."""
    _check_known(name)
    if name == INT8:
        raise PrecisionError(
            "int8 is calibrated on pictures: `hueweave build --precision int8` makes an index of "
            "it; for all else leave precision at auto, which follows the index"
        )


def check_runs_int8(device: str) -> None:
    """Raise PrecisionError for a ``device`` that int8 does not run on."""
    if device.startswith("cuda"):
        raise PrecisionError(f"int8 runs on processors, not on {device}: use --device cpu")


def _check_known(name: str) -> None:
    if name not in PRECISIONS:
        raise UnknownNameError("precision", name, PRECISIONS)


@dataclass(frozen=True)
class Recipe:
    """Backbone, weights and preprocessing. Two indexes with one digest hold comparable pools.

    ``weights`` says where the weights were found (an enum name, ``packaged``, or a file's path)
    and ``weights_sha256`` what they are; only the latter counts. float32 and bfloat16 serve the
    same recipe, so neither is part of it; ``quantized`` is the SHA-256 of the int8 network that
    was made of the weights, if that is what runs.
    """

    backbone: str
    weights: str
    weights_sha256: str
    mean: Triple
    std: Triple
    preprocess: Preprocess
    quantized: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all that determines the pools."""
        document = self.to_document()
        del document["weights"]
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

    def check_precision(self, name: str, device: str = "auto") -> None:
        """Raise PrecisionError if ``name`` or ``device`` is not what this recipe runs in."""
        _check_known(name)
        if name != "auto" and (name == INT8) != (self.quantized is not None):
            raise PrecisionError(
                f"this index was made {'in' if self.quantized else 'without'} int8, {name} is "
                "asked for: build another index for that, or leave precision at auto"
            )
        if self.quantized:
            check_runs_int8(device)

    def to_document(self) -> dict[str, Any]:
        """Return plain JSON values; ``from_document`` reads them."""
        document = asdict(self)
        if not self.preprocess.filled:  # unknown to older releases, whose digests stay as they are
            del document["preprocess"]["filled"]
        if not self.quantized:
            del document["quantized"]
        return document

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Recipe":
        """Return the recipe in ``document``; raises KeyError or TypeError if it is none."""
        values = dict(document)
        values["mean"], values["std"] = tuple(values["mean"]), tuple(values["std"])
        values["preprocess"] = Preprocess(**values["preprocess"])
        return cls(**values)
