"""Builds that were stopped and started again equal one that was not."""

from pathlib import Path

import pytest

from indexer.creation import create_index
from tests.fakes import FakeExtractor, build_fake, manifest
from tests.indexer.batches import never, run_with
from tests.indexer.contents import contents


@pytest.mark.parametrize("after", [0, 3, 9, 13])
def test_a_build_broken_off_and_resumed_equals_one_that_was_not(
    tmp_path: Path, damaged: Path, after: int
) -> None:
    build_fake(tmp_path / "whole", damaged)
    index = tmp_path / "index"
    with pytest.raises(KeyboardInterrupt):
        build_fake(index, damaged, extractor=FakeExtractor(after=after))
    extractor = FakeExtractor()
    build_fake(index, damaged, extractor=extractor)
    assert extractor.pictures < 17 or after == 0
    assert contents(index) == contents(tmp_path / "whole")


def test_batches_stay_the_same_when_files_without_a_size_come_before(
    tmp_path: Path, pictures: Path
) -> None:
    source, sizes = pictures / "list.txt", list[int]()
    source.write_text("\n".join(["gone.png", *(f"{n:03}.png" for n in range(20))]))

    class Measured(FakeExtractor):
        def extract(self, pixels, pools):  # type: ignore[no-untyped-def]
            found = super().extract(pixels, pools)
            sizes.append(len(pixels))
            return found

    build_fake(tmp_path / "whole", source, extractor=Measured())
    whole = sizes[:]
    sizes.clear()
    with pytest.raises(KeyboardInterrupt):
        build_fake(tmp_path / "index", source, extractor=Measured(after=7))
    build_fake(tmp_path / "index", source, extractor=Measured())
    assert sizes == whole == [3, 4, 4, 4, 4, 1]


def test_a_checkpoint_broken_off_is_made_again(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_fake(tmp_path / "whole", pictures)
    index = tmp_path / "index"
    create_index(index, manifest())
    with monkeypatch.context() as patched:
        patched.setattr("indexer.local.write_manifest", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            build_fake(index, pictures)
    run_with(index, pictures, never)
    assert contents(index) == contents(tmp_path / "whole")


def test_a_crash_between_pools_and_commit_leaves_no_trace(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_fake(tmp_path / "whole", pictures)
    index = tmp_path / "index"
    with monkeypatch.context() as patched:
        patched.setattr("indexer.catalog.Catalog.put_failures", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            build_fake(index, pictures, batch_size=9)
    assert (index / "pools" / "1-gap.f16").stat().st_size == 9 * 6 * 2
    build_fake(index, pictures)
    assert contents(index) == contents(tmp_path / "whole")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
