"""What the commands say: results to stdout, everything else to stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from indexer.watching import Watcher

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

if TYPE_CHECKING:
    from indexer.staging import Plan

# Without a terminal, a line at most every so often.
_QUIET_S = 5.0


def say(text: str) -> None:
    """Print a result line as it is: no markup, no wrapping."""
    out.print(Text(text))


def note(text: str) -> None:
    """Print a line about the work to stderr."""
    err.print(Text(text))


def warn(text: str) -> None:
    """Print a notice to stderr that cannot be overlooked."""
    err.print(Text("notice: ", style="bold yellow").append(text, style="not bold default"))


def fail(text: str) -> None:
    """Print an error line to stderr."""
    err.print(Text("error: ", style="bold red").append(text, style="not bold default"))


class BarWatcher(Watcher):
    """Shows a build as a bar with rate and time left, on a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID = progress.add_task("reading source", total=None, rate="")
        self._started = 0.0

    def scanned(self, count: int) -> None:
        self._progress.update(self._task, completed=count)

    def planned(self, plan: "Plan") -> None:
        self._started = time.monotonic()
        self._progress.update(self._task, description="embedding", completed=0, total=plan.work)

    def advanced(self, done: int, failed: int) -> None:
        rate = done / max(time.monotonic() - self._started, 1e-6)
        text = f"{rate:.1f} pictures/s" + (f", {failed} unreadable" if failed else "")
        self._progress.update(self._task, completed=done, rate=text)

    def indexing(self) -> None:
        self._progress.update(self._task, description="indexing")


class LineWatcher(Watcher):
    """Shows a build as plain lines, for logs."""

    def __init__(self) -> None:
        self._total = 0
        self._started = self._said = 0.0

    def planned(self, plan: "Plan") -> None:
        self._total, self._started, self._said = plan.work, time.monotonic(), time.monotonic()
        note(f"source: {plan.total} pictures, {plan.work} to embed")

    def advanced(self, done: int, failed: int) -> None:
        now = time.monotonic()
        if now - self._said < _QUIET_S and done < self._total:
            return
        self._said = now
        rate = done / max(now - self._started, 1e-6)
        left = (self._total - done) / rate
        bad = f", {failed} unreadable" if failed else ""
        note(f"done {done}/{self._total}, {rate:.1f} pictures/s, {left:.0f} s left{bad}")

    def indexing(self) -> None:
        note("indexing")


@contextmanager
def watch_build() -> Iterator[Watcher]:
    """Yield a watcher that suits stderr: a bar on a terminal, plain lines otherwise."""
    if not err.is_terminal:
        yield LineWatcher()
        return
    with _bar(MofNCompleteColumn(), TextColumn("{task.fields[rate]}")) as progress:
        yield BarWatcher(progress)


@contextmanager
def watch_download() -> Iterator[Callable[[str, int, int], None]]:
    """Yield what a download tells of itself to: a bar on a terminal, lines otherwise."""
    if not err.is_terminal:
        yield DownloadLines()
        return
    bar = DownloadBar(_bar(DownloadColumn()))
    try:
        yield bar
    finally:
        bar.stop()


@contextmanager
def watch_steps(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what work in steps tells (done, total) to: a bar on a terminal, else nothing."""
    if not err.is_terminal:
        yield lambda done, total: None
        return
    with _bar(MofNCompleteColumn()) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class DownloadLines:
    """Shows downloads as plain lines, a tenth at a time."""

    def __init__(self) -> None:
        self._said: dict[str, int] = {}

    def __call__(self, name: str, done: int, total: int) -> None:
        """Take note of ``done`` of ``total`` bytes of ``name``; 0 in all is unknown."""
        tenths = done * 10 // total if total else -1
        if tenths > self._said.get(name, -1):
            self._said[name] = tenths
            note(f"downloading {name}: {done >> 20} of {total >> 20} MiB")


class DownloadBar:
    """Shows downloads as bars, from the first byte on."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, name: str, done: int, total: int) -> None:
        """Take note of ``done`` of ``total`` bytes of ``name``; 0 in all is unknown."""
        if name not in self._tasks:
            self._progress.start()
            self._tasks[name] = self._progress.add_task(name, total=total or None)
        self._progress.update(self._tasks[name], completed=done)

    def stop(self) -> None:
        """Leave the bars as they are."""
        self._progress.stop()


def _bar(*columns: TextColumn | MofNCompleteColumn | DownloadColumn) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *columns,
        TimeRemainingColumn(),
        console=err,
    )
