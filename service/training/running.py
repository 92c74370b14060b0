"""A whole training: labels, pictures, network, epochs, and the weights file."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indexer.files import write_durably
from indexer.sources import open_source
from models.training.options import TrainingError, TrainingOptions
from models.training.split import Split, stratified_split
from models.training.watching import TrainingWatcher
from service.opening import limits
from service.settings import Settings
from service.training.labelling import LabelledEntries, label_entries
from service.training.planning import Start, TrainingCall, choose_options, choose_start
from service.training.reading import Reading, Squares

if TYPE_CHECKING:
    from models.download import Progress
    from models.training.checkpoint import Checkpoint
    from models.training.data import LabelledPictures, Trained

Notify = Callable[[str], None]
_SHOWN = 20


class NoPicturesError(TrainingError):
    """Pictures of which none, or too few, could be read."""

    exit_code = 1


@dataclass(frozen=True)
class TrainingReport:
    """What a training gave: the file, the network in it, and how it did."""

    output: Path
    backbone: str
    classes: tuple[str, ...]
    trained: "Trained"
    unreadable: int


def train_backbone(
    source: str,
    call: TrainingCall,
    settings: Settings,
    watcher: TrainingWatcher,
    notify: Notify,
    progress: "Progress | None" = None,
) -> TrainingReport:
    """Train the network that ``settings`` name on ``source`` and write its weights.

    A training that was stopped goes on from its last whole epoch. Raises HueweaveError of some
    kind: a call that is wrong before anything is read, NoPicturesError, or DivergedError.
    """
    check_output(call.output)
    labelled = label_entries(open_source(source), call.labels, call.attribute)
    _check_classes(Counter(labelled.labels))
    start = choose_start(settings, call.shape, notify, progress)
    options = choose_options(start, settings, call.options)
    for notice in labelled.notices:
        notify(notice)
    with Squares(labelled.entries, options.size, limits(settings), settings.threads) as squares:
        reading = squares.read(watcher.reading)
        data, split = _data(labelled, reading, squares, call, options, notify)
        trained = _run(start, data, split, reading, call, options, settings, watcher, notify)
    _write(call.output, trained, start, data.classes, options)
    checkpoint_of(call.output).unlink(missing_ok=True)
    return TrainingReport(call.output, start.name, data.classes, trained, len(reading.failures))


def checkpoint_of(output: Path) -> Path:
    """Return where the checkpoint of a training that writes ``output`` lies."""
    return output.with_name(f"{output.name}.checkpoint")


def check_output(output: Path) -> None:
    """Raise TrainingError for a file that weights cannot be written to."""
    if output.suffix != ".safetensors":
        raise TrainingError(f"output {str(output)!r}: expected a name ending in .safetensors")
    if output.is_dir():
        raise TrainingError(f"output {str(output)!r} is a folder: expected a file")
    if not output.parent.is_dir() or not os.access(output.parent, os.W_OK):
        raise TrainingError(f"cannot write {str(output)!r}: {str(output.parent)!r} is no folder "
                            "that can be written to")  # fmt: skip


def _check_classes(counts: Counter[str]) -> None:
    if len(counts) < 2:
        raise TrainingError(
            f"all labels are {next(iter(counts))!r}: a network learns to tell two classes or more"
        )
    if max(counts.values()) < 2:
        raise TrainingError(f"none of the {len(counts)} classes has two pictures")


def _data(
    labelled: LabelledEntries,
    reading: Reading,
    squares: Squares,
    call: TrainingCall,
    options: TrainingOptions,
    notify: Notify,
) -> "tuple[LabelledPictures, Split]":
    from models.training.data import LabelledPictures

    for key, reason in reading.failures[:_SHOWN]:
        notify(f"unreadable: {key}: {reason}")
    if len(reading.failures) > _SHOWN:
        notify(f"… and {len(reading.failures) - _SHOWN} more are unreadable")
    rows = np.array(reading.rows, np.int64)
    if not len(rows):
        raise NoPicturesError("none of the pictures could be read")
    names = [labelled.labels[row] for row in reading.rows]
    counts = Counter(names)
    try:
        _check_classes(counts)
    except TrainingError as error:
        raise NoPicturesError(f"of the pictures that could be read, {error}") from error
    if gone := sorted(set(labelled.labels) - set(counts)):
        notify(f"left out, since none of their pictures could be read: {', '.join(gone)}")
    single = sorted(name for name, count in counts.items() if count == 1)
    if single and call.validation:
        notify(f"of one picture each, so trained on but not judged by: {', '.join(single)}")
    classes = tuple(sorted(counts))
    code = {name: at for at, name in enumerate(classes)}
    labels = np.array([code[name] for name in names], np.int64)
    split = stratified_split(labels, call.validation, options.seed)
    data = LabelledPictures(lambda chosen: squares.take(rows[chosen]), labels, classes, split)
    return data, split


def _run(
    start: Start,
    data: "LabelledPictures",
    split: Split,
    reading: Reading,
    call: TrainingCall,
    options: TrainingOptions,
    settings: Settings,
    watcher: TrainingWatcher,
    notify: Notify,
) -> "Trained":
    from models.precision import choose_device
    from models.training.checkpoint import check_same, read_checkpoint, write_checkpoint
    from models.training.loop import train
    from models.training.mixing import choose_mixing
    from models.training.options import DivergedError

    device = choose_device(settings.device)
    precision = choose_mixing(settings.precision, device)
    network = start.network(len(data.classes), options.seed, options.freeze)
    path = checkpoint_of(call.output)
    identity = _identity(start, data, reading, call, options, precision)
    before = None
    if path.is_file() and not call.restart:
        before = read_checkpoint(path)
        check_same(before, identity, path)
        notify(f"going on after epoch {before.epoch} of {options.epochs}")

    def keep(checkpoint: "Checkpoint") -> None:
        write_durably(path, lambda partial: write_checkpoint(checkpoint, partial))

    try:
        return train(network, data, options, identity, device, precision, watcher, keep, before)
    except DivergedError as error:
        kept = f"; the last good checkpoint is {str(path)!r}" if path.is_file() else ""
        raise DivergedError(f"{error}{kept}") from error


def _identity(
    start: Start,
    data: "LabelledPictures",
    reading: Reading,
    call: TrainingCall,
    options: TrainingOptions,
    precision: str,
) -> dict[str, Any]:
    """Return what makes a training this one, by the names that its flags have."""
    from models.weights import digest_tensors

    document = options.to_document()
    augmentation = document.pop("augmentation")
    weights = digest_tensors(start.weights, start.weights) if start.weights else "none"
    return {
        **document,
        **augmentation,
        "backbone": start.name,
        "weights": weights,
        "precision": precision,
        "validation": call.validation,
        "classes": list(data.classes),
        "labels": data.labels.tolist(),
        "pictures": reading.digest,
    }


def _write(
    output: Path,
    trained: "Trained",
    start: Start,
    classes: tuple[str, ...],
    options: TrainingOptions,
) -> None:
    from models.training.weights_file import write_weights

    write_durably(
        output, lambda partial: write_weights(partial, trained, start.name, classes, options.size)
    )
