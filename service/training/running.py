"""A whole training: labels, pictures, network, epochs, and the weights file."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.files import write_durably
from indexer.sources import open_source
from models.recipe import check_precision
from models.training.options import TrainingError
from models.training.watching import TrainingWatcher
from service.opening import limits
from service.settings import Settings
from service.training.labelling import label_entries
from service.training.planning import Plan, TrainingCall, make_plan
from service.training.preparing import Prepared, check_classes, prepare
from service.training.reading import Squares

if TYPE_CHECKING:
    from models.download import Progress
    from models.training.checkpoint import Checkpoint
    from models.training.data import Trained

Notify = Callable[[str], None]


@dataclass(frozen=True)
class TrainingReport:
    """What a training gave: the file, the network in it, and how it did."""

    output: Path
    backbone: str
    classes: tuple[str, ...]
    trained: "Trained"
    unreadable: int


def train_backbone(
    source: str | None,
    call: TrainingCall,
    settings: Settings,
    watcher: TrainingWatcher,
    notify: Notify,
    progress: "Progress | None" = None,
) -> TrainingReport:
    """Train the network that ``settings`` name on ``source`` and write its weights.

    Without a source, it is trained on the pictures that the file of labels names. A training that
    was stopped goes on from its last whole epoch. Raises HueweaveError of some kind: a call that
    is wrong before anything is read, NoPicturesError, or DivergedError.
    """
    from models.training.weights_file import write_weights

    check_output(call.output)
    check_precision(settings.precision)
    opened = None if source is None else open_source(source)
    labelled = label_entries(opened, call.labels, call.attribute)
    check_classes(labelled.labels)
    plan = make_plan(call, settings, notify, progress)
    options, name = plan.options, plan.start.name
    for notice in labelled.notices:
        notify(notice)
    with Squares(labelled.entries, options.size, limits(settings), settings.threads) as squares:
        prepared = prepare(
            labelled, squares, call.validation, options.seed, watcher.reading, notify
        )
        trained = _run(plan, prepared, settings, watcher, notify)
    classes = prepared.data.classes
    write_durably(
        call.output, lambda partial: write_weights(partial, trained, name, classes, options.size)
    )
    checkpoint_of(call.output).unlink(missing_ok=True)
    return TrainingReport(call.output, name, classes, trained, prepared.unreadable)


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


def _run(
    plan: Plan, prepared: Prepared, settings: Settings, watcher: TrainingWatcher, notify: Notify
) -> "Trained":
    from models.precision import choose_device
    from models.training.checkpoint import check_same, read_checkpoint, write_checkpoint
    from models.training.loop import train
    from models.training.mixing import choose_mixing
    from models.training.options import DivergedError

    device = choose_device(settings.device)
    precision = choose_mixing(settings.precision, device)
    options, data = plan.options, prepared.data
    identity = _identity(plan, prepared, precision)
    path = checkpoint_of(plan.call.output)
    before = None
    if path.is_file() and not plan.call.restart:
        before = read_checkpoint(path)
        check_same(before, identity, path)
        notify(f"going on after epoch {before.epoch} of {options.epochs}")
    network = plan.start.network(len(data.classes), options.seed, options.freeze)

    def keep(checkpoint: "Checkpoint") -> None:
        write_durably(path, lambda partial: write_checkpoint(checkpoint, partial))

    try:
        return train(network, data, options, identity, device, precision, watcher, keep, before)
    except DivergedError as error:
        kept = f"; the last good checkpoint is {str(path)!r}" if path.is_file() else ""
        raise DivergedError(f"{error}{kept}") from error


def _identity(plan: Plan, prepared: Prepared, precision: str) -> dict[str, Any]:
    """Return what makes a training this one, by the names that its flags have."""
    from models.weights import digest_tensors

    document = plan.options.to_document()
    augmentation = document.pop("augmentation")
    state = plan.start.weights
    return {
        **document,
        **augmentation,
        "backbone": plan.start.name,
        "weights": digest_tensors(state, state) if state else "none",
        "precision": precision,
        "validation": plan.call.validation,
        "classes": list(prepared.data.classes),
        "labels": prepared.data.labels.tolist(),
        "pictures": prepared.digest,
    }
