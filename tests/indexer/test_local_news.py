"""What others write is in the next view of a reader, at once or soon."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from indexer import following
from indexer.build import BuildOptions
from indexer.creation import create_index
from indexer.errors import IndexFolderError
from indexer.loading import Loader
from indexer.local import LocalStore, open_for_writing
from indexer.manifest_file import read_manifest
from tests.fakes import FakeExtractor, build_fake, manifest, write_pictures
from tests.indexer.batches import random_batch
from tests.indexer.contents import found

REPOSITORY = Path(__file__).parents[2]


def test_items_that_another_store_adds_are_seen_at_once_by_who_asks_for_the_newest(
    reader: LocalStore, fake_index: Path
) -> None:
    with open_for_writing(fake_index) as writer:
        for at in range(3):
            writer.add(random_batch(writer.manifest, [f"new/{at}"], seed=at))
            for attribute in ("color", "texture"):
                assert found(reader.view(newest=True), attribute) == [*range(21 + at)]


def test_items_that_another_process_adds_are_seen(reader: LocalStore, fake_index: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from indexer.local import open_for_writing\n"
        "from tests.indexer.batches import random_batch\n"
        "with open_for_writing(Path(sys.argv[1])) as store:\n"
        "    store.add(random_batch(store.manifest, ['new'])); store.checkpoint()\n"
    )
    command = [sys.executable, "-c", script, str(fake_index)]
    subprocess.run(command, check=True, cwd=REPOSITORY)
    view = reader.view(newest=True)
    assert found(view) == [*range(21)]
    assert view.manifest == read_manifest(fake_index) == reader.manifest


def test_replaced_and_pruned_items_are_gone_from_the_next_view(
    reader: LocalStore, fake_index: Path, pictures: Path
) -> None:
    write_pictures(pictures, {"003.png": (250, 0, 0)})
    (pictures / "005.png").unlink()
    build_fake(fake_index, pictures, options=BuildOptions(prune=True))
    expected = [slot for slot in range(21) if slot not in (3, 5)]
    assert found(reader.view(newest=True)) == expected
    (pictures / "007.png").unlink()  # too few to be worth a generation: the catalog alone changes
    before = (fake_index / "manifest.json").read_bytes()
    build_fake(fake_index, pictures, options=BuildOptions(prune=True))
    assert (fake_index / "manifest.json").read_bytes() == before
    assert found(reader.view(newest=True)) == [slot for slot in expected if slot != 7]


def test_a_checkpoint_alone_makes_a_new_view(reader: LocalStore, fake_index: Path) -> None:
    with open_for_writing(fake_index) as writer:
        writer.add(random_batch(writer.manifest, [f"new/{n}" for n in range(10)]))
        before = reader.view(newest=True)
        writer.checkpoint()
        after = reader.view(newest=True)  # while the catalog's file is as it was
    assert before.manifest.generation != after.manifest.generation
    assert after.manifest.generation == read_manifest(fake_index).generation
    assert found(before) == found(after) == [*range(30)]


@pytest.mark.parametrize(("waited", "seen"), [(0.49, 20), (0.51, 21)])
def test_news_is_looked_for_every_half_second(
    reader: LocalStore, fake_index: Path, monkeypatch: pytest.MonkeyPatch, waited: float, seen: int
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(following, "time", SimpleNamespace(monotonic=lambda: now))
    reader.view(newest=True)
    with open_for_writing(fake_index) as writer:
        writer.add(random_batch(writer.manifest, ["new"]))
    assert len(found(reader.view())) == 20
    now += waited
    assert len(found(reader.view())) == seen
    assert len(found(reader.view(newest=True))) == 21


def test_a_view_is_kept_while_nothing_changes(
    reader: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Loader, "load", lambda *_: pytest.fail("there is nothing new"))
    monkeypatch.setattr(following, "_FRESH_S", 0.0)
    first = reader.view(newest=True)
    assert reader.view() is reader.view(newest=True) is first


def test_a_writer_sees_what_it_writes_itself(fake_index: Path) -> None:
    with open_for_writing(fake_index) as writer:
        assert found(writer.view()) == [*range(20)]
        writer.add(random_batch(writer.manifest, ["new", "003.png"]))
        expected = [slot for slot in range(22) if slot != 3]
        assert found(writer.view(newest=True)) == expected
        writer.checkpoint()
        assert writer.manifest == read_manifest(fake_index)
        assert found(writer.view()) == expected


def test_a_reader_of_an_empty_index_finds_what_its_first_build_has_stored_by_then(
    tmp_path: Path, pictures: Path
) -> None:
    index = tmp_path / "index"
    create_index(index, manifest())
    reader, sizes = LocalStore(index), list[int]()
    assert found(reader.view()) == []

    class Asking(FakeExtractor):
        def extract(self, pixels, pools):  # type: ignore[no-untyped-def]
            sizes.append(len(found(reader.view(newest=True))))
            return super().extract(pixels, pools)

    build_fake(index, pictures, extractor=Asking())
    # The batch before may be stored already, or not yet.
    assert len(sizes) == 5
    assert all(max(0, 4 * at - 4) <= size <= 4 * at for at, size in enumerate(sizes))
    assert reader.count() == 20
    assert found(reader.view(newest=True)) == [*range(20)]
    assert reader.view().manifest == read_manifest(index)
    reader.close()


def test_a_reader_opened_during_a_long_first_build_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "SCANNED", 1)
    create_index(tmp_path / "index", manifest())
    with open_for_writing(tmp_path / "index") as writer:
        writer.add(random_batch(writer.manifest, ["a", "b"]))
        reader = LocalStore(tmp_path / "index")
        with pytest.raises(IndexFolderError, match="is unfinished: 2 items are stored"):
            reader.view()
        writer.checkpoint()
        assert found(reader.view()) == [0, 1]
        reader.close()


def test_an_index_that_was_deleted_is_missed(reader: LocalStore, fake_index: Path) -> None:
    shutil.rmtree(fake_index)
    with pytest.raises(IndexFolderError, match=r"index .*index' is gone: No such file"):
        reader.view(newest=True)
