"""How a training shows itself: a bar and a line an epoch on a terminal, lines alone elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from models.training.watching import EpochReport, TrainingWatcher
from service.commands import console


class LineTraining(TrainingWatcher):
    """Shows a training as a plain line an epoch, for logs."""

    def reading(self, done: int, total: int) -> None:
        if done == total:
            console.note(f"read {total} pictures")

    def epoch_ended(self, report: EpochReport) -> None:
        console.note(describe_epoch(report))


class BarTraining(TrainingWatcher):
    """Shows a training as a bar of all its steps, with a line above it for each epoch."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID = progress.add_task("reading pictures", total=None, loss="")

    def reading(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total)

    def advanced(self, epoch: int, epochs: int, step: int, steps: int, loss: float) -> None:
        self._progress.update(
            self._task,
            description=f"epoch {epoch}/{epochs}",
            completed=(epoch - 1) * steps + step,
            total=epochs * steps,
            loss=f"loss {loss:.3f}",
        )

    def epoch_ended(self, report: EpochReport) -> None:
        self._progress.console.print(Text(describe_epoch(report)))


def describe_epoch(report: EpochReport) -> str:
    """Return an epoch as a line: ``*`` marks one that no other was better than."""
    line = f"epoch {report.epoch}/{report.epochs}  loss {report.loss:.3f}"
    if report.accuracy is not None:
        line += f"  validation loss {report.validation_loss:.3f}  accuracy {report.accuracy:.3f}"
    return f"{line}  *" if report.best else line


@contextmanager
def watch_training() -> Iterator[TrainingWatcher]:
    """Yield a watcher that suits stderr."""
    if not console.err.is_terminal:
        yield LineTraining()
        return
    columns = (MofNCompleteColumn(), TextColumn("{task.fields[loss]}"), TimeRemainingColumn())
    description = TextColumn("{task.description}")
    with Progress(description, BarColumn(), *columns, console=console.err) as progress:
        yield BarTraining(progress)
