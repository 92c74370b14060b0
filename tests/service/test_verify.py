"""Verification finds each thing that can be off, and nothing where all is well."""

import os
from pathlib import Path

import pytest

from service.opening import Opened
from service.verify import verify


def problems(index: Path, *, pictures: bool = False) -> list[str]:
    return list(verify(index, pictures=pictures))


def test_sound_index_has_no_problems(fake_index: Path) -> None:
    assert problems(fake_index, pictures=True) == []


def test_picture_that_is_gone_or_changed_is_named(fake_index: Path, pictures: Path) -> None:
    (pictures / "003.png").unlink()
    (pictures / "005.png").write_bytes(b"other")
    assert [line.split(":")[0] for line in problems(fake_index)] == ["'003.png'"]
    found = problems(fake_index, pictures=True)
    assert [line.split(":")[0] for line in found] == ["'003.png'", "'005.png'"]


def test_flipped_byte_in_a_segment_is_named(fake_index: Path) -> None:
    path = next(fake_index.glob("spaces/block4-gap/*/segment-0.faiss"))
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    (found,) = problems(fake_index)
    assert "segment-0.faiss" in found
    assert "SHA-256" in found


def test_missing_segment_is_named(fake_index: Path) -> None:
    next(fake_index.glob("spaces/block1-foreground/*/segment-0.faiss")).unlink()
    (found,) = problems(fake_index)
    assert "is missing" in found


def test_short_pool_file_is_named(fake_index: Path) -> None:
    os.truncate(fake_index / "pools" / "2-gap.f16", 10)
    assert any("pools/2-gap has " in line for line in problems(fake_index))


def test_damaged_row_of_a_pool_is_named(fake_index: Path) -> None:
    with (fake_index / "pools" / "3-gap.f16").open("r+b") as file:
        file.write(b"\xff\xff")  # not a number, in half precision
    (found,) = problems(fake_index)
    assert found.startswith("'000.png': pools/3-gap is not finite")


@pytest.mark.parametrize("ticks", [True, False])
def test_progress_is_told_to_the_end(opened: Opened, ticks: bool) -> None:
    seen: list[tuple[int, int]] = []
    list(verify(opened.store.folder, tick=(lambda *pair: seen.append(pair)) if ticks else None))
    assert seen == ([(20, 20)] if ticks else [])
