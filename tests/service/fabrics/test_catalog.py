"""Catalogs: reproducible pictures, complete labels, and errors that say what is wrong."""

import csv
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.fabrics import COLORS, PATTERNS, FabricError, render, write_catalog


def _rows(labels: Path) -> list[dict[str, str]]:
    """The labels as dictionaries."""
    with labels.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _digests(folder: Path) -> dict[str, str]:
    """A digest of every file under a folder by relative path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_same_seed_renders_identical_bytes() -> None:
    first = render("red", "leopard", index=2, seed=9, size=64)
    assert first.tobytes() == render("red", "leopard", index=2, seed=9, size=64).tobytes()


@pytest.mark.parametrize("change", [{"seed": 10}, {"index": 3}])
def test_another_seed_or_index_renders_another_picture(change: dict[str, int]) -> None:
    plain = {"seed": 9, "index": 2}
    first = render("red", "waves", size=64, **plain)
    assert first.tobytes() != render("red", "waves", size=64, **(plain | change)).tobytes()


def test_order_of_rendering_changes_nothing() -> None:
    wanted = [("blue", "dots"), ("black", "cracks"), ("pink", "plain")]
    forward = {pair: render(*pair, size=64).tobytes() for pair in wanted}
    backward = {pair: render(*pair, size=64).tobytes() for pair in reversed(wanted)}
    assert forward == backward


def test_two_pictures_of_a_class_differ_in_angle() -> None:
    angles = []
    for index in range(6):
        grey = np.asarray(render("blue", "stripes", index=index).convert("L"), dtype=float)
        down, across = np.gradient(grey.reshape(128, 2, 128, 2).mean(axis=(1, 3)))
        doubled = np.arctan2(2 * (down * across).sum(), (across**2 - down**2).sum())
        angles.append(float(np.degrees(doubled) / 2))
    assert np.ptp(angles) > 20
    assert len({round(angle) for angle in angles}) >= 5


@pytest.mark.parametrize("size", [32, 100])
def test_picture_has_the_size_asked_for(size: int) -> None:
    picture = render("green", "gingham", size=size)
    assert (picture.size, picture.mode) == ((size, size), "RGB")


def test_labels_name_every_picture_and_nothing_else(tmp_path: Path) -> None:
    labels = write_catalog(tmp_path / "new" / "set", per_class=2, size=32)
    rows = _rows(labels)
    folder = labels.parent
    assert labels == tmp_path / "new" / "set" / "labels.csv"
    assert list(rows[0]) == ["path", "color", "texture"]
    assert {(row["color"], row["texture"]) for row in rows} == {
        (color, pattern) for color in COLORS for pattern in PATTERNS
    }
    paths = [row["path"] for row in rows]
    assert len(paths) == 200
    assert paths == sorted(paths)
    assert set(paths) | {"labels.csv"} == set(_digests(folder))


def test_path_spells_out_its_row_and_opens_as_jpeg(tmp_path: Path) -> None:
    labels = write_catalog(tmp_path, per_class=1, size=32)
    for row in _rows(labels):
        assert row["path"] == f"images/{row['color']}-{row['texture']}-0.jpg"
    with Image.open(tmp_path / "images" / "grey-waves-0.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (32, 32))


def test_same_seed_writes_identical_catalogs_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        write_catalog(tmp_path / name, per_class=1, seed=seed, size=32)
    first, again, other = (_digests(tmp_path / name) for name in "abc")
    assert first == again
    assert first["images/red-dots-0.jpg"] != other["images/red-dots-0.jpg"]


def test_progress_counts_up_to_all_pictures(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_catalog(tmp_path, per_class=1, size=32, progress=lambda *step: seen.append(step))
    assert seen == [(done, 100) for done in range(1, 101)]


def test_broken_off_catalog_has_no_labels_even_over_an_older_one(tmp_path: Path) -> None:
    labels = write_catalog(tmp_path, per_class=1, size=32)

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_catalog(tmp_path, per_class=1, size=32, seed=1, progress=stop)
    assert not labels.exists()


def test_failed_label_replacement_leaves_no_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_catalog(tmp_path, per_class=1, size=32)
    assert not (tmp_path / "labels.csv").exists()


def test_unknown_color_is_named_with_the_known_ones() -> None:
    with pytest.raises(FabricError, match=r"'teal'.*red, orange.*black"):
        render("teal", "dots")


def test_unknown_pattern_is_named_with_the_known_ones() -> None:
    with pytest.raises(FabricError, match=r"'paisley'.*stripes, gingham.*plain"):
        render("red", "paisley")


@pytest.mark.parametrize("size", [31, 2049])
def test_size_out_of_range_is_named_with_the_range(size: int, tmp_path: Path) -> None:
    with pytest.raises(FabricError, match=rf"size is {size}.*32 to 2048"):
        render("red", "dots", size=size)
    with pytest.raises(FabricError, match=rf"size is {size}.*32 to 2048"):
        write_catalog(tmp_path / "none", size=size)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("what", ["index", "seed"])
def test_negative_index_or_seed_is_named(what: str) -> None:
    with pytest.raises(FabricError, match=rf"{what} is -1.*at least 0"):
        render("red", "dots", **{what: -1})


def test_no_pictures_per_class_is_refused_before_writing(tmp_path: Path) -> None:
    with pytest.raises(FabricError, match=r"per_class is 0.*at least 1"):
        write_catalog(tmp_path / "none", per_class=0)
    assert not (tmp_path / "none").exists()


def test_fabric_error_is_a_value_error() -> None:
    assert issubclass(FabricError, ValueError)
