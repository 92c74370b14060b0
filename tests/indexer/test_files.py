"""Durable files: whole or not there, synced before they are named."""

import hashlib
import os
from pathlib import Path

import pytest

from indexer.files import digest_file, write_durably


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    for data in (b"first", b"second"):
        write_durably(path, lambda partial, data=data: partial.write_bytes(data) and None)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_no_partial_one(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail(partial: Path) -> None:
        partial.write_bytes(b"ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_durably(path, fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_bytes_are_synced_before_the_name_and_the_name_before_returning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, steps = tmp_path / "a.bin", []
    fsync, replace = os.fsync, Path.replace

    def watch_sync(descriptor: int) -> None:
        steps.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    def watch_replace(old: Path, new: Path) -> Path:
        steps.append(f"{old.name} > {new.name}")
        return replace(old, new)

    monkeypatch.setattr(os, "fsync", watch_sync)
    monkeypatch.setattr(Path, "replace", watch_replace)
    write_durably(path, lambda partial: partial.write_bytes(b"x") and None)
    assert steps == [".a.bin.partial", ".a.bin.partial > a.bin", tmp_path.name]


def test_a_digest_is_the_sha_256_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 300_000)
    assert digest_file(path) == hashlib.sha256(b"x" * 300_000).hexdigest()
