"""What the commands say: bars on a terminal, plain lines elsewhere, results untouched."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from indexer.staging import Plan
from service.commands import console
from service.commands.console import BarWatcher, LineWatcher, watch_build, watch_download

PLAN = Plan(
    total=10,
    new=6,
    changed=1,
    relabelled=0,
    unchanged=3,
    failed_before=0,
    repeated=0,
    missing=0,
    vanished=0,
)


def told(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> io.StringIO:
    """Put a console on a string in the place of stderr."""
    file = io.StringIO()
    made = Console(file=file, force_terminal=terminal, width=120, highlight=False, soft_wrap=True)
    monkeypatch.setattr(console, "err", made)
    return file


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    return told(monkeypatch, terminal=True)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    return told(monkeypatch, terminal=False)


def test_build_on_a_terminal_is_a_bar_with_its_rate_and_its_failures(terminal: io.StringIO) -> None:
    with watch_build() as watcher:
        assert isinstance(watcher, BarWatcher)
        watcher.scanned(10)
        watcher.planned(PLAN)
        watcher.advanced(7, 2)
        watcher.indexing()
    shown = terminal.getvalue()
    assert "7/7" in shown
    assert "pictures/s, 2 unreadable" in shown
    assert "indexing" in shown


def test_build_without_a_terminal_is_plain_lines(log: io.StringIO) -> None:
    with watch_build() as watcher:
        assert isinstance(watcher, LineWatcher)
        watcher.scanned(10)
        watcher.planned(PLAN)
        watcher.advanced(3, 0)
        watcher.advanced(7, 2)
        watcher.indexing()
    lines = log.getvalue().splitlines()
    assert lines[0] == "source: 10 pictures, 7 to embed"
    assert lines[1].startswith("done 7/7, ")
    assert lines[1].endswith(", 2 unreadable")
    assert lines[2:] == ["indexing"]
    assert "\x1b" not in log.getvalue()


def test_lines_come_again_after_a_while(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda: now[0]))
    watcher = LineWatcher()
    watcher.planned(PLAN)
    for done in (1, 2, 3):
        now[0] += 3
        watcher.advanced(done, 0)
    lines = log.getvalue().splitlines()[1:]
    assert lines == ["done 2/7, 0.3 pictures/s, 15 s left"]


def test_download_inside_a_build_is_a_bar_inside_a_bar(terminal: io.StringIO) -> None:
    with watch_build() as watcher, watch_download() as progress:
        watcher.planned(PLAN)
        for done in (0, 1 << 20, 2 << 20):
            progress("weights.pth", done, 2 << 20)
        watcher.advanced(7, 0)
    assert "weights.pth" in terminal.getvalue()
    assert "7/7" in terminal.getvalue()


def test_download_without_a_terminal_is_a_line_a_tenth(log: io.StringIO) -> None:
    with watch_download() as progress:
        for name in ("weights.pth", "others.pth"):
            for done in range(101):
                progress(name, done << 20, 100 << 20)
    lines = log.getvalue().splitlines()
    assert len(lines) == 22
    assert lines[-1] == "downloading others.pth: 100 of 100 MiB"


@pytest.mark.parametrize("total", [0, 100])
def test_download_that_breaks_off_leaves_no_bar_running(terminal: io.StringIO, total: int) -> None:
    bars: list[console.DownloadBar] = []

    def download() -> None:
        with watch_download() as progress:
            assert isinstance(progress, console.DownloadBar)
            bars.append(progress)
            progress("weights.pth", 50, total)
            assert progress._progress.live.is_started
            raise ConnectionError

    with pytest.raises(ConnectionError):
        download()
    assert not bars[0]._progress.live.is_started


def test_names_with_brackets_are_shown_as_they_are(log: io.StringIO) -> None:
    console.note("[red]a[/red] [0].jpg")
    console.fail("[bold]x.jpg: no")
    console.warn("[/]")
    assert log.getvalue().splitlines() == [
        "[red]a[/red] [0].jpg",
        "error: [bold]x.jpg: no",
        "notice: [/]",
    ]


def test_long_lines_are_not_broken(log: io.StringIO) -> None:
    console.note("x" * 500)
    assert log.getvalue() == "x" * 500 + "\n"
