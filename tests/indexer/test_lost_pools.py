"""Pools that are gone: their pictures are read again, and until then nobody says all is well."""

import os
from pathlib import Path

import numpy as np
import pytest

from indexer.local import LocalStore
from service.verify import verify
from tests.fakes import FakeExtractor, build_fake, random_colors, write_pictures


def pools_by_key(index: Path) -> dict[str, list[bytes]]:
    store = LocalStore(index)
    found = {
        item.key: [
            rows.tobytes()
            for rows in store.pools(np.array([item.slot]), list(store.manifest.pools)).values()
        ]
        for item in store.items()
    }
    store.close()
    return found


def problems(index: Path) -> list[str]:
    store = LocalStore(index)
    found = list(verify(index))
    store.close()
    return found


@pytest.mark.parametrize("more", [0, 1])
def test_a_missing_pool_file_has_every_picture_read_again(
    fake_index: Path, pictures: Path, more: int, caplog: pytest.LogCaptureFixture
) -> None:
    before = pools_by_key(fake_index)
    (fake_index / "pools" / "4-gap.f16").unlink()
    assert any("4-gap" in line for line in problems(fake_index))
    write_pictures(pictures, dict(list(random_colors(more, 9).items())))
    extractor = FakeExtractor()
    build_fake(fake_index, pictures, extractor=extractor)
    assert extractor.pictures == 20
    assert "the pools of 20 items are lost" in caplog.text
    assert problems(fake_index) == []
    after = pools_by_key(fake_index)
    assert {key: after[key] for key in before if key != "000.png"} == {
        key: rows for key, rows in before.items() if key != "000.png"
    }


def test_a_pool_file_cut_short_has_only_what_it_lost_read_again(
    fake_index: Path, pictures: Path
) -> None:
    before = pools_by_key(fake_index)
    os.truncate(fake_index / "pools" / "2-gap.f16", 15 * 8 * 2)  # 15 rows of 8 halves
    extractor = FakeExtractor()
    build_fake(fake_index, pictures, extractor=extractor)
    assert extractor.pictures == 5
    assert pools_by_key(fake_index) == before
    assert problems(fake_index) == []


def test_a_repair_that_is_stopped_goes_on(fake_index: Path, pictures: Path) -> None:
    before = pools_by_key(fake_index)
    (fake_index / "pools" / "4-gap.f16").unlink()
    with pytest.raises(KeyboardInterrupt):
        build_fake(fake_index, pictures, extractor=FakeExtractor(after=8))
    extractor = FakeExtractor()
    build_fake(fake_index, pictures, extractor=extractor)
    assert extractor.pictures == 12
    assert pools_by_key(fake_index) == before
    assert problems(fake_index) == []
