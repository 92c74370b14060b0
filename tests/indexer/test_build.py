"""The build: it does what is to be done, once, and goes on where it was stopped."""

import hashlib
import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.build import BuildOptions, BuildReport
from indexer.catalog import Catalog
from indexer.creation import create_index
from indexer.engine import Original
from indexer.errors import BuildFailedError, IndexBusyError, SourceError
from indexer.local import LocalStore
from indexer.lock import writer_lock
from indexer.staging import Plan
from indexer.watching import Watcher
from models.errors import UnknownNameError
from tests.fakes import FakeExtractor, build_fake, manifest, random_colors, write_pictures
from tests.indexer.batches import never, random_batch, run_with
from tests.indexer.contents import contents


def counts(report: BuildReport) -> dict[str, int]:
    plan = report.plan
    every = {name: getattr(plan, name) for name in Plan.__dataclass_fields__}
    return {name: count for name, count in every.items() if count}


def item_of(index: Path, key: str) -> tuple[int, int]:
    store = LocalStore(index)
    item = store.item(key)
    store.close()
    assert item is not None
    return item.version, item.slot


def test_a_first_build_embeds_everything(tmp_path: Path, pictures: Path) -> None:
    extractor = FakeExtractor()
    report = build_fake(tmp_path / "index", pictures, extractor=extractor)
    assert counts(report) == {"total": 20, "new": 20}
    assert (report.embedded, report.items, report.failure_count) == (20, 20, 0)
    assert extractor.pictures == 20
    assert extractor.blocks == {1, 2, 3, 4}


def test_a_second_build_makes_no_extractor_and_changes_nothing(
    fake_index: Path, pictures: Path
) -> None:
    before = contents(fake_index)
    report = run_with(fake_index, pictures, never)
    assert counts(report) == {"total": 20, "unchanged": 20}
    assert report.embedded == 0
    assert contents(fake_index) == before
    assert sorted(path.name for path in fake_index.glob("spaces/*/*")) == ["1"] * 6


def test_a_changed_picture_gets_a_new_version_and_slot(fake_index: Path, pictures: Path) -> None:
    assert item_of(fake_index, "003.png") == (1, 3)
    write_pictures(pictures, {"003.png": (250, 0, 0)})
    extractor = FakeExtractor()
    report = build_fake(fake_index, pictures, extractor=extractor)
    assert counts(report) == {"total": 20, "changed": 1, "unchanged": 19}
    assert extractor.pictures == 1
    assert item_of(fake_index, "003.png") == (2, 20)


def test_a_touched_picture_is_not_embedded_again(fake_index: Path, pictures: Path) -> None:
    os.utime(pictures / "003.png", ns=(7, 7))
    assert counts(run_with(fake_index, pictures, never)) == {
        "total": 20, "relabelled": 1, "unchanged": 19,
    }  # fmt: skip
    assert counts(run_with(fake_index, pictures, never)) == {"total": 20, "unchanged": 20}
    assert item_of(fake_index, "003.png") == (1, 3)


def test_new_labels_cost_no_embedding(tmp_path: Path, pictures: Path) -> None:
    index, source = tmp_path / "index", pictures / "items.csv"
    source.write_text("path,price\n000.png,1\n001.png,2\n")
    build_fake(index, source)
    source.write_text("path,price\n000.png,1\n001.png,2.5\n")
    assert counts(run_with(index, source, never)) == {"total": 2, "relabelled": 2}
    store = LocalStore(index)
    assert [item.metadata for item in store.items()] == [{"price": 1.0}, {"price": 2.5}]
    assert store.columns() == {"price": ("number", False)}
    store.close()


def test_a_column_is_indexed_on_request_and_an_unknown_one_refused(
    tmp_path: Path, pictures: Path
) -> None:
    index, source = tmp_path / "index", pictures / "items.csv"
    source.write_text("path,price\n000.png,1\n001.png,2\n")
    with pytest.raises(UnknownNameError, match="unknown metadata column 'prize': expected one of"):
        build_fake(index, source, options=BuildOptions(indexed_columns=("prize",)))
    build_fake(index, source, options=BuildOptions(indexed_columns=("price",)))
    catalog = Catalog(index / "catalog.sqlite")
    assert catalog.columns() == {"price": ("integer", True)}
    catalog.close()


def test_what_vanished_is_listed_and_goes_only_when_pruned(
    fake_index: Path, pictures: Path
) -> None:
    for name in ("000.png", "001.png"):
        (pictures / name).unlink()
    report = run_with(fake_index, pictures, never)
    assert (report.vanished, report.items, report.pruned) == (("000.png", "001.png"), 20, 0)
    report = build_fake(fake_index, pictures, options=BuildOptions(prune=True))
    assert (report.items, report.pruned) == (18, 2)
    assert run_with(fake_index, pictures, never).vanished == ()


def test_a_key_that_comes_back_gets_a_slot_of_its_own(fake_index: Path, pictures: Path) -> None:
    kept = (pictures / "000.png").read_bytes()
    (pictures / "000.png").unlink()
    build_fake(fake_index, pictures, options=BuildOptions(prune=True))
    (pictures / "000.png").write_bytes(kept)
    build_fake(fake_index, pictures)
    assert item_of(fake_index, "000.png")[1] == 20


def test_repeated_rows_are_counted_and_conflicting_ones_write_nothing(
    tmp_path: Path, pictures: Path
) -> None:
    index, source = tmp_path / "index", pictures / "items.csv"
    source.write_text("path,price\n000.png,1\n000.png,1\n001.png,2\n")
    assert counts(build_fake(index, source)) == {"total": 2, "new": 2, "repeated": 1}
    before = contents(index)
    source.write_text("path,price\n002.png,1\n000.png,1\n000.png,2\n")
    with pytest.raises(SourceError, match=r"has the key '000\.png' twice"):
        run_with(index, source, never)
    assert contents(index) == before


def test_unreadable_pictures_are_recorded_and_left_in_peace(tmp_path: Path, damaged: Path) -> None:
    index = tmp_path / "index"
    report = build_fake(index, damaged)
    assert (report.items, report.failure_count) == (17, 3)
    assert [failure.key for failure in report.failures] == ["002.png", "009.png", "010.png"]
    assert "it is not a picture" in report.failures[0].reason
    report = run_with(index, damaged, never)
    assert counts(report) == {"total": 20, "unchanged": 17, "failed_before": 3}
    assert report.failure_count == 3
    again = build_fake(index, damaged, options=BuildOptions(retry_failed=True))
    assert again.plan.new == 3


def test_a_mended_picture_is_embedded_and_its_failure_forgotten(
    tmp_path: Path, damaged: Path
) -> None:
    index = tmp_path / "index"
    build_fake(index, damaged)
    write_pictures(damaged, {"009.png": (1, 2, 3)})
    report = build_fake(index, damaged)
    assert (report.embedded, report.items) == (1, 18)
    assert [failure.key for failure in report.failures] == ["002.png", "010.png"]


def test_a_picture_that_goes_bad_keeps_its_old_item(fake_index: Path, pictures: Path) -> None:
    (pictures / "000.png").write_bytes(b"no picture now")
    report = build_fake(fake_index, pictures)
    assert (report.items, report.failure_count, report.vanished) == (20, 1, ())
    assert item_of(fake_index, "000.png") == (1, 0)


def test_strict_stops_at_the_first_unreadable_picture_every_time(
    tmp_path: Path, damaged: Path
) -> None:
    for _ in range(2):
        with pytest.raises(BuildFailedError, match=r"'002\.png' cannot be read: it is not a"):
            build_fake(tmp_path / "index", damaged, options=BuildOptions(strict=True))
    write_pictures(damaged, dict.fromkeys(("002.png", "009.png", "010.png"), (1, 2, 3)))
    report = build_fake(tmp_path / "index", damaged, options=BuildOptions(strict=True))
    assert (report.items, report.failure_count) == (20, 0)


def test_a_strict_build_that_stopped_leaves_what_it_stored_to_be_searched(
    tmp_path: Path, damaged: Path
) -> None:
    index, strict = tmp_path / "index", BuildOptions(strict=True, prune=True)
    with pytest.raises(BuildFailedError, match=r"'002\.png' cannot be read"):
        build_fake(index, damaged, options=strict)
    store = LocalStore(index)
    generation = store.view().manifest.generation
    assert generation is not None
    assert (generation.slots, store.count(), store.failure_count()) == (3, 3, 1)
    for space in store.view().manifest.spaces.values():
        queries = space.transform(store.pools(np.arange(3), space.pools))
        assert [m.slots[0] for m in store.view().search(space, queries, 3)] == [0, 1, 2]
    store.close()


def test_a_strict_build_that_stopped_prunes_nothing(fake_index: Path, pictures: Path) -> None:
    (pictures / "000.png").unlink()
    (pictures / "001.png").write_bytes(b"no picture")
    with pytest.raises(BuildFailedError):
        build_fake(fake_index, pictures, options=BuildOptions(strict=True, prune=True))
    assert item_of(fake_index, "000.png") == (1, 0)


@pytest.mark.parametrize("strict", [False, True])
def test_a_picture_that_is_what_it_was_is_no_failure_any_more(
    fake_index: Path, pictures: Path, strict: bool
) -> None:
    kept = (pictures / "000.png").read_bytes()
    (pictures / "000.png").write_bytes(b"no picture now")
    assert build_fake(fake_index, pictures).failure_count == 1
    (pictures / "000.png").write_bytes(kept)
    report = build_fake(fake_index, pictures, options=BuildOptions(strict=strict))
    assert (report.plan.relabelled, report.embedded, report.failure_count) == (1, 0, 0)
    assert report.failures == ()


def test_keys_that_no_address_can_name_are_failures(tmp_path: Path, pictures: Path) -> None:
    source = pictures / "items.csv"
    source.write_text("path,key\n000.png,.\n001.png,..\n002.png,...\n")
    for _ in range(2):
        report = build_fake(tmp_path / "index", source)
        assert [failure.key for failure in report.failures] == [".", ".."]
        assert report.items == 1
    assert report.plan.failed_before == 2
    assert "no address can name: give it another" in report.failures[0].reason


def test_a_build_that_can_read_nothing_has_failed(tmp_path: Path) -> None:
    source = tmp_path / "bad"
    source.mkdir()
    for n in range(6):
        (source / f"{n}.png").write_bytes(b"no picture")
    for _ in range(2):
        with pytest.raises(BuildFailedError, match=r"none of the 6 pictures .*'0\.png': it") as e:
            build_fake(tmp_path / "index", source)
        assert e.value.exit_code == 1


def test_a_second_writer_is_refused_and_told_who_is_writing(
    fake_index: Path, pictures: Path
) -> None:
    with (
        writer_lock(fake_index),
        pytest.raises(IndexBusyError, match=f"by process {os.getpid()} on"),
    ):
        build_fake(fake_index, pictures)


def test_a_watcher_is_told_what_happens(tmp_path: Path, damaged: Path) -> None:
    told: list[object] = []

    class Told(Watcher):
        def planned(self, plan: Plan) -> None:
            told.append(plan.work)

        def advanced(self, done: int, failed: int) -> None:
            told.append((done, failed))

        def indexing(self) -> None:
            told.append("indexing")

    create_index(tmp_path / "index", manifest())
    build_fake(tmp_path / "index", damaged, watcher=Told(), batch_size=8)
    assert told == [20, (8, 1), (16, 3), (20, 3), "indexing"]


def test_a_build_in_a_folder_with_pictures_of_odd_names(tmp_path: Path) -> None:
    source = tmp_path / "odd"
    names = ['it\'s "a" 100%.png', "色/🧶 #1?.png", "a\nb.png"]
    write_pictures(source, dict(zip(names, random_colors(3).values(), strict=True)))
    Path(os.fsdecode(os.fsencode(source) + b"/caf\xe9.png")).write_bytes(b"")
    report = build_fake(tmp_path / "index", source)
    assert (report.items, report.failure_count) == (3, 1)
    assert report.failures[0].key == r"caf\xe9.png"
    store = LocalStore(tmp_path / "index")
    assert sorted(item.key for item in store.items()) == sorted(names)
    store.close()


def test_an_original_is_dropped_once_its_item_is_the_sources(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    write_pictures(folder, random_colors(2))
    create_index(tmp_path / "index", manifest())
    with closing(LocalStore(tmp_path / "index")) as store:
        batch = random_batch(store.manifest, ["000.png"])
        data = (folder / "000.png").read_bytes()
        added = replace(
            batch.embedded[0],
            digest=hashlib.sha256(data).hexdigest(),
            size=len(data),
            original=Original(data, ".png"),
        )
        store.add(replace(batch, embedded=[added]))
    build_fake(tmp_path / "index", folder)
    with closing(LocalStore(tmp_path / "index")) as store:
        item = store.item("000.png")
        assert item is not None
        assert (item.source, item.version) == (str(folder / "000.png"), 1)
    assert [*(tmp_path / "index").glob("media/*/*")] == []
