"""Labelled pictures to what a training takes: those that can be read, their classes, the split."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.training.options import TrainingError
from models.training.split import stratified_split
from service.training.labelling import LabelledEntries
from service.training.reading import Reading, Squares

if TYPE_CHECKING:
    from models.training.data import LabelledPictures

_SHOWN = 20


class NoPicturesError(TrainingError):
    """Pictures of which none, or too few, could be read."""

    exit_code = 1


@dataclass(frozen=True)
class Prepared:
    """Pictures to train on; how many could not be read; the SHA-256 of the files of those read."""

    data: "LabelledPictures"
    unreadable: int
    digest: str


def check_classes(labels: Iterable[str]) -> None:
    """Raise TrainingError for labels of one class, or of which no two are alike."""
    counts = Counter(labels)
    if len(counts) < 2:
        raise TrainingError(
            f"all labels are {next(iter(counts))!r}: a network learns to tell two classes or more"
        )
    if max(counts.values()) < 2:
        raise TrainingError(
            f"none of the {len(counts)} classes has two pictures: a network learns what those of "
            "a class have in common"
        )


def prepare(
    labelled: LabelledEntries,
    squares: Squares,
    validation: float,
    seed: int,
    tick: Callable[[int, int], None],
    notify: Callable[[str], None],
) -> Prepared:
    """Read all pictures once and return those that can be, with ``validation`` of them aside.

    What is passed over is told to ``notify``. Raises NoPicturesError if too few are left.
    """
    from models.training.data import LabelledPictures

    reading = squares.read(tick)
    _tell_failures(reading, notify)
    names = [labelled.labels[row] for row in reading.rows]
    if not names:
        raise NoPicturesError("none of the pictures could be read")
    try:
        check_classes(names)
    except TrainingError as error:
        raise NoPicturesError(f"of the pictures that could be read, {error}") from error
    classes = tuple(sorted(set(names)))
    if gone := sorted(set(labelled.labels).difference(classes)):
        notify(f"left out, since none of their pictures could be read: {', '.join(gone)}")
    counts = Counter(names)
    single = [name for name in classes if counts[name] == 1]
    if single and validation:
        notify(f"of one picture each, so trained on but not judged by: {', '.join(single)}")
    code = {name: at for at, name in enumerate(classes)}
    labels = np.array([code[name] for name in names], np.int64)
    rows = np.array(reading.rows, np.int64)
    split = stratified_split(labels, validation, seed)
    data = LabelledPictures(lambda chosen: squares.take(rows[chosen]), labels, classes, split)
    return Prepared(data, len(reading.failures), reading.digest)


def _tell_failures(reading: Reading, notify: Callable[[str], None]) -> None:
    for key, reason in reading.failures[:_SHOWN]:
        notify(f"unreadable: {key}: {reason}")
    if len(reading.failures) > _SHOWN:
        notify(f"… and {len(reading.failures) - _SHOWN} more are unreadable")
