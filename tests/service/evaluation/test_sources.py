"""Pictures to measure: embedded once, then taken from the cache."""

import os
from pathlib import Path

import pytest

from indexer.watching import Watcher
from service.evaluation.labels import LabelError
from service.evaluation.sources import (
    HISTOGRAM,
    PALETTES,
    cache_folder,
    check_one_given,
    labels_of,
    open_index_material,
    open_source_material,
)
from service.settings import load_settings
from tests.fakes import PROBED, FakeExtractor, build_fake


def test_second_time_nothing_is_embedded_and_no_histogram_made(
    labelled_pictures: Path, network: FakeExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for _ in range(2):
        with open_source_material(
            str(labelled_pictures), load_settings(backbone="fake"), Watcher(), print
        ) as material:
            _, labelled = labels_of(material, None, ("tone",))
            floors = material.floors(labelled, print)
        assert floors[HISTOGRAM].shape == (24, 512)
        counts.append(network.pictures)
        # Nor is a picture read again.
        monkeypatch.setattr("service.evaluation.histogram.decode", None)
    assert counts == [PROBED + 24] * 2
    assert material.store.manifest.blocks == (1, 2, 3, 4)
    assert len(list(cache_folder().iterdir())) == 1


def test_another_recipe_or_source_has_a_cache_of_its_own(
    labelled_pictures: Path, network: FakeExtractor
) -> None:
    for source, blocks in ((labelled_pictures, "auto"), (labelled_pictures, "2"),
                           (labelled_pictures.parent, "auto")):  # fmt: skip
        settings = load_settings(backbone="fake", blocks=blocks)
        with open_source_material(str(source), settings, Watcher(), print) as material:
            assert material.store.count() == 24
    assert len(list(cache_folder().iterdir())) == 3


def test_int8_has_a_cache_of_its_own_and_the_others_one_in_common(
    labelled_pictures: Path, network: FakeExtractor
) -> None:
    def measured(precision: str) -> list[str]:
        settings = load_settings(backbone="fake", precision=precision)
        with open_source_material(str(labelled_pictures), settings, Watcher(), print):
            return sorted(one.name for one in cache_folder().iterdir())

    [one] = measured("float32")
    assert measured("bfloat16") == measured("auto") == [one]
    # Made as far as the network, which is none: under which name is what counts.
    with pytest.raises(TypeError, match="no network of floats"):
        measured("int8")
    assert len([*cache_folder().iterdir()]) == 1


def test_pictures_that_came_went_or_cannot_be_read_are_followed(
    labelled_pictures: Path, network: FakeExtractor
) -> None:
    folder, notes = labelled_pictures.parent, list[str]()

    def count() -> int:
        with open_source_material(
            str(folder), load_settings(backbone="fake"), Watcher(), notes.append
        ) as material:
            return material.store.count()

    assert count() == 24
    os.remove(folder / "00.png")
    (folder / "99.png").write_bytes(b"no picture")
    assert count() == 23
    assert [note for note in notes if "99.png" in note]


def test_index_is_measured_without_reading_a_picture(
    labelled_pictures: Path, tmp_path: Path
) -> None:
    build_fake(tmp_path / "index", labelled_pictures)
    for found in labelled_pictures.parent.glob("*.png"):
        found.unlink()
    with open_index_material(load_settings(index=str(tmp_path / "index"))) as material:
        described, labelled = labels_of(material, None, ())
        floors = material.floors(labelled, print)
    assert (described, [one.name for one in labelled.columns]) == ("metadata", ["chance", "tone"])
    assert floors[PALETTES].shape == (24, 512)


def test_one_thing_is_measured_at_a_time() -> None:
    with pytest.raises(LabelError, match="nothing to measure"):
        check_one_given(None, None)
    with pytest.raises(LabelError, match="name one"):
        check_one_given("a", "b")
