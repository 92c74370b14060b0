"""Verification finds each thing that can be off, and nothing where all is well."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from indexer.engine import Original
from indexer.local import LocalStore, open_for_writing
from service import verify as module
from service.opening import Opened
from service.verify import verify
from tests.indexer.batches import kept_batch


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
    path = next(fake_index.glob("spaces/block4-gap-whitened/*/segment-0.faiss"))
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    (found,) = problems(fake_index)
    assert "segment-0.faiss" in found
    assert "SHA-256" in found


def test_missing_segment_is_named(fake_index: Path) -> None:
    next(fake_index.glob("spaces/block1+2-foreground-whitened/*/segment-0.faiss")).unlink()
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


# --- an index that is in use -------------------------------------------------------------------


def test_an_item_removed_while_its_picture_is_looked_at_is_no_problem(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(LocalStore(fake_index)) as store:
        store.add(kept_batch(store.manifest, ["kept"]))
        found = module._fault

        def remove_before(*given):  # type: ignore[no-untyped-def]
            store.remove(["kept"])
            return found(*given)

        monkeypatch.setattr(module, "_fault", remove_before)
        assert problems(fake_index) == []


def test_a_generation_replaced_while_it_is_looked_at_is_no_problem(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    references, looked = module._references, 0

    def rebuild_before(*given):  # type: ignore[no-untyped-def]
        nonlocal looked
        looked += 1
        if looked == 1:
            with open_for_writing(fake_index) as writer:
                writer.rebuild()
        return references(*given)

    monkeypatch.setattr(module, "_references", rebuild_before)
    assert problems(fake_index) == []
    assert looked == 2


def test_an_original_is_an_orphan_only_if_nobody_is_about_to_need_it(fake_index: Path) -> None:
    with closing(LocalStore(fake_index)) as store:
        store.media.put("ab" * 32, Original(b"a picture", ".jpg"))
        with store.lease.held():
            assert problems(fake_index) == []
        (found,) = problems(fake_index)
        assert found.startswith(f"media/ab/{'ab' * 32}.jpg: no item needs it")
        store.sweep()
        assert problems(fake_index) == []


def test_a_damaged_copy_of_the_manifest_is_named_and_written_again(fake_index: Path) -> None:
    with closing(LocalStore(fake_index)) as store:
        with store.catalog.transaction():
            store.catalog.put_document("manifest", "{}")
        assert problems(fake_index) == [
            "catalog.sqlite: its copy of the manifest is damaged "
            "(it is written again with the next generation)"
        ]
        store.sweep()
    assert problems(fake_index) == []
