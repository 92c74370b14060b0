"""What a training tells whoever watches it; light, so that a command can import it at once."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochReport:
    """How an epoch went; without validation pictures there is neither loss nor accuracy of them.

    ``best`` says that no epoch before was better.
    """

    epoch: int
    epochs: int
    rate: float
    loss: float
    validation_loss: float | None
    accuracy: float | None
    best: bool


class TrainingWatcher:
    """Hears nothing and says nothing; subclasses override what they care for."""

    def reading(self, done: int, total: int) -> None:
        """So many of the labelled pictures have been read."""

    def advanced(self, epoch: int, epochs: int, step: int, steps: int, loss: float) -> None:
        """A step of an epoch, both counted from 1, is done; ``loss`` is its own."""

    def epoch_ended(self, report: EpochReport) -> None:
        """An epoch is over and its checkpoint is kept."""
