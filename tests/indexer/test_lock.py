"""The write lock: one holder, named to others, gone with its process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.errors import IndexBusyError, IndexFolderError
from indexer.lock import writer_lock

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
