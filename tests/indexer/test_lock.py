"""The write lock: one holder, named to others, gone with its process."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path
from threading import Barrier, Event, Thread
from types import SimpleNamespace

import pytest

from indexer.errors import IndexBusyError, IndexFolderError, ReadOnlyError
from indexer.lock import LOCK_NAME, WriterLease, writer_lock

REPOSITORY = Path(__file__).parents[2]


def lock(folder: Path) -> None:
    with writer_lock(folder):
        pass


def test_a_second_writer_is_refused_and_told_who_holds_the_lock(tmp_path: Path) -> None:
    message = rf"index '{tmp_path}' is being written by process {os.getpid()} on .+: wait"
    with writer_lock(tmp_path), pytest.raises(IndexBusyError, match=message):
        lock(tmp_path)


def test_the_lock_is_free_again_after_its_holder_even_one_that_failed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writer_lock(tmp_path):
        _ = 1 / 0
    lock(tmp_path)


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from indexer.lock import writer_lock\n"
        f"with writer_lock(Path({str(tmp_path)!r})): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(IndexBusyError, match=f"process {process.pid} on"):
            lock(tmp_path)
        process.kill()
    lock(tmp_path)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError, match=r"cannot write to index '.*gone'"):
        lock(tmp_path / "gone")


# --- shared by threads, handed on between processes ----------------------------------------------


def test_threads_of_a_process_hold_it_together_and_give_it_back_with_the_last(
    tmp_path: Path,
) -> None:
    lease, other = WriterLease(tmp_path), WriterLease(tmp_path)
    both, go = Barrier(3), Event()

    def hold() -> None:
        with lease.held():
            both.wait(30)
            assert go.wait(30)

    threads = [Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    both.wait(30)
    with lease.held(), pytest.raises(IndexBusyError), other.held():
        pass
    go.set()
    for thread in threads:
        thread.join()
    with other.held():
        pass


def test_who_is_patient_gets_it_once_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, other = WriterLease(tmp_path), WriterLease(tmp_path)
    holder, now = lease.held(), 0.0
    holder.__enter__()

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now > 2.0 and lease in holding:
            holding.remove(lease)
            holder.__exit__(None, None, None)

    holding = [lease]
    monkeypatch.setattr("indexer.lock.time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))
    with pytest.raises(IndexBusyError), other.held(1.5):
        pass
    assert 1.5 <= now < 2.0
    with other.held(1.5):
        assert now > 2.0


@pytest.mark.parametrize("long", [False, True])
def test_threads_do_not_join_a_lease_that_was_held_for_long_unless_it_is_for_long_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: bool
) -> None:
    """Else threads that write without a pause would keep other processes out for ever."""
    lease, now, waiting, joined = WriterLease(tmp_path), 0.0, Event(), Event()

    def sleep(_: float) -> None:
        waiting.set()
        assert released.wait(30)

    def join() -> None:
        with lease.held():
            joined.set()
            assert released.wait(30)

    released = Event()
    monkeypatch.setattr("indexer.lock.time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))
    thread = Thread(target=join)
    with lease.held(long=long):
        now = 0.6
        thread.start()
        assert (joined if long else waiting).wait(30)
        assert waiting.is_set() is not long
        with lease.held():  # whoever has it already may have it again
            pass
    released.set()
    thread.join()
    assert joined.is_set()


def test_a_lease_to_read_is_never_held(tmp_path: Path) -> None:
    with pytest.raises(ReadOnlyError, match="is open read-only"):
        WriterLease(tmp_path, read_only=True).held().__enter__()
    assert not (tmp_path / LOCK_NAME).exists()


def test_a_full_disk_keeps_nobody_from_holding_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("indexer.lock.os.pwrite", no_room)
    with (
        writer_lock(tmp_path),
        pytest.raises(IndexBusyError, match="is being written by unknown"),
    ):
        lock(tmp_path)


def test_a_shorter_name_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text("process 123456789 on " + "a" * 100)
    with writer_lock(tmp_path):
        text = (tmp_path / LOCK_NAME).read_text()
    assert text == f"process {os.getpid()} on {socket.gethostname()}"
