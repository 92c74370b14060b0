"""What `hueweave fit` and `hueweave tag` do, but for talking to a person."""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.local import LocalStore
from models.errors import one_of
from service.evaluation.binding import check_name
from service.learning.choosing import METHODS, Tick
from service.learning.correcting import CorrectionResult, correct
from service.learning.fitting import Options, fit, subject_of
from service.learning.installing import JUDGED, install, space_of
from service.learning.labels import LEAST, find_labels, with_enough
from service.learning.results import FitResult, describe
from service.learning.tagging import Tagged, subject_in, tag
from service.learning.writing import write_tags
from service.opening import index_folder
from service.settings import Settings, parse_blocks

AUTO = "auto"
Notify = Callable[[str], None]


@dataclass(frozen=True)
class Task:
    """What is asked for; ``force`` installs what the gates refuse, ``dry_run`` nothing."""

    attribute: str
    labels: Path | None = None
    column: str | None = None
    block: str = AUTO
    method: str = METHODS[0]
    seed: int = 0
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class TagTask:
    """What is asked for; ``write`` puts values into the metadata, ``overwrite`` over others."""

    column: str
    labels: Path | None = None
    attribute: str | None = None
    threshold: float = 0.5
    seed: int = 0
    write: bool = False
    overwrite: bool = False


def run_fit(settings: Settings, task: Task, notify: Notify, tick: Tick) -> FitResult:
    """Learn, judge, and install what is good enough; what was left out is told to ``notify``.

    Nothing is installed if the verdict refuses it, unless forced. Raises HueweaveError of some
    kind for a call that is wrong.
    """
    check_name(task.attribute)
    one_of("method", task.method, METHODS)
    blocks = () if task.block == AUTO else parse_blocks(task.block)
    options = Options(blocks, task.method, task.seed)
    folder = index_folder(settings)
    store = LocalStore(folder, read_only=True)
    try:
        labels = find_labels(store, task.attribute, task.labels, task.column)
        labels = with_enough(labels, 2 if task.force else LEAST)
        for line in labels.notes:
            notify(line)
        subject = subject_of(store, labels, task.attribute, options)
        with _one_thread():
            fitted = fit(store, subject, options, tick)
        found = describe(task.attribute, labels, fitted, store.manifest)
    finally:
        store.close()
    if task.dry_run or (fitted.verdict.refused and not task.force):
        return found
    space = space_of(fitted)
    before = install(folder, task.attribute, space)
    return replace(found, installed=True, space=space.name, space_before=before)


def run_correction(settings: Settings, task: Task, tick: Tick) -> CorrectionResult:
    """Learn from judgements, and install what held-out ones show to be better, or whatever was
    learned if that is forced. Raises HueweaveError of some kind for a call that is wrong."""
    check_name(task.attribute)
    blocks = () if task.block == AUTO else parse_blocks(task.block)
    folder = index_folder(settings)
    with closing(LocalStore(folder, read_only=True)) as store:
        corrected, found = correct(store, task.attribute, Options(blocks, seed=task.seed), tick)
    if corrected is None or task.dry_run or (found.verdict.refused and not task.force):
        return found
    space = space_of(corrected, JUDGED)
    before = install(folder, task.attribute, space)
    return replace(found, installed=True, space=space.name, space_before=before)


def run_tag(settings: Settings, task: TagTask, notify: Notify) -> tuple[Tagged, int]:
    """Return tags of the items without a label, and how many were written.

    What was left out is told to ``notify``. Raises HueweaveError of some kind.
    """
    folder = index_folder(settings)
    store = LocalStore(folder, read_only=True)
    try:
        labels = find_labels(store, task.column, task.labels, None)
        for line in labels.notes:
            notify(line)
        subject = subject_in(store, labels, task.column, task.attribute, task.seed)
        with _one_thread():
            found = tag(store, labels, subject, task.threshold, task.seed)
    finally:
        store.close()
    if not task.write:
        return found, 0
    return found, write_tags(folder, task.column, found.tags, overwrite=task.overwrite)


def _one_thread() -> AbstractContextManager[object]:
    """Return what keeps linear algebra to one thread: of thousands of small matrices, several would
    only wait for each other."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits
