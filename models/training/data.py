"""What goes into a training and what comes out of it."""

from collections.abc import Callable
from dataclasses import dataclass

from models.preprocess import Pixels
from models.training.judging import Judgement
from models.training.split import Indices, Split
from models.weights import State


@dataclass(frozen=True)
class LabelledPictures:
    """n pictures, the classes they are of, and which of them are kept aside to judge by.

    ``squares`` returns (k, side, side, 3) RGB of k rows; ``labels`` is (n,), rows of ``classes``.
    """

    squares: Callable[[Indices], Pixels]
    labels: Indices
    classes: tuple[str, ...]
    split: Split


@dataclass(frozen=True)
class Trained:
    """Weights under the names that files have, the epoch they are of, and how they did.

    Without validation pictures those are the last epoch's, and there is no judgement.
    """

    weights: State
    epoch: int
    epochs: int
    judgement: Judgement | None
