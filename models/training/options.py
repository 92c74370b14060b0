"""How a network is trained; free of torch, so that a command can check a call at once."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from models.errors import HueweaveError

Optimizer = Literal["sgd", "adamw"]
OPTIMIZERS: tuple[Optimizer, ...] = ("sgd", "adamw")
# By optimizer: (from random weights, from trained ones).
RATES: dict[Optimizer, tuple[float, float]] = {"sgd": (0.05, 0.01), "adamw": (1e-3, 1e-4)}
DECAYS: dict[Optimizer, float] = {"sgd": 1e-4, "adamw": 0.05}


class TrainingError(HueweaveError):
    """A training that cannot be done as asked, for its options or for its labels."""


class DivergedError(HueweaveError):
    """A training whose loss is no number any more."""

    exit_code = 1


@dataclass(frozen=True)
class Augmentation:
    """What a picture may be turned into while training, anew each time it is seen.

    ``crop`` is the least share of its area that is cut out and enlarged; 1 cuts nothing.
    ``jitter`` is how much brightness and contrast vary, each by a factor of 1 ± that; hue is left
    alone, since a color is what may be learned. ``flip`` mirrors half of them.
    """

    crop: float = 0.5
    flip: bool = True
    jitter: float = 0.1


@dataclass(frozen=True)
class TrainingOptions:
    """What a training does besides its pictures and its network.

    ``rate`` is the highest learning rate, reached after ``warmup`` epochs and then lowered along
    a cosine to 0. ``patience`` is how many epochs without a better validation end it; 0: never.
    ``balanced`` draws all classes equally often. ``freeze`` is how many blocks are left as they
    are. ``size`` is the side of a picture in pixels.
    """

    rate: float
    weight_decay: float
    size: int = 224
    epochs: int = 30
    batch_size: int = 32
    optimizer: Optimizer = "sgd"
    momentum: float = 0.9
    nesterov: bool = True
    warmup: float = 1.0
    smoothing: float = 0.1
    balanced: bool = False
    freeze: int = 0
    patience: int = 10
    augmentation: Augmentation = Augmentation()
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise TrainingError(f"rate {self.rate:g}: expected a number above 0")
        for name in ("weight_decay", "warmup"):
            if not 0 <= getattr(self, name) < math.inf:
                raise TrainingError(f"{name} {getattr(self, name):g}: expected a number from 0 on")
        if self.batch_size < 2:
            raise TrainingError("batches of 1 picture have no statistics: expected 2 or more")
        if self.optimizer == "sgd" and self.nesterov and not self.momentum:
            raise TrainingError("nesterov needs a momentum above 0: give one, or --no-nesterov")

    def to_document(self) -> dict[str, Any]:
        """Return plain JSON values, for telling whether two trainings are the same."""
        return asdict(self)
