"""Labels and items brought together: by key or place, and what is left out is said."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.local import LocalStore
from service.evaluation.labels import LabelError, read_labels
from service.evaluation.matching import Labelled, match_columns, match_file, match_folders
from tests.fakes import build_fake, random_colors, write_pictures


@pytest.fixture
def store(fake_index: Path) -> Iterator[LocalStore]:
    found = LocalStore(fake_index)
    yield found
    found.close()


def matched(store: LocalStore, folder: Path, text: str) -> Labelled:
    (folder / "l.csv").write_text(text)
    return match_file(store, read_labels(folder / "l.csv"))


def test_items_are_found_by_key_and_by_where_they_lie(store: LocalStore, tmp_path: Path) -> None:
    rows = "000.png,a\npictures/001.png,a\npictures/../pictures/002.png,b\n003.png,b\n"
    found = matched(store, tmp_path, f"path,kind\n{rows}")
    assert [item.key for item in found.items] == ["000.png", "001.png", "002.png", "003.png"]
    assert found.columns[0].classes == ("a", "b")
    assert found.columns[0].codes.tolist() == [0, 0, 1, 1]
    assert found.notes == ()


def test_what_is_left_out_is_said(store: LocalStore, tmp_path: Path) -> None:
    rows = "000.png,a,1\n001.png,a,1\n002.png,b,1\n003.png,,1\ngone.png,a,1\n"
    found = matched(store, tmp_path, f"path,kind,same\n{rows}")
    assert [one.name for one in found.columns] == ["kind"]
    assert found.notes == (
        "'gone.png' is labelled, but not among the pictures: passed over",
        "kind: 1 of 4 labelled pictures have no label in it",
        "kind: 'b' is of one example: nothing can find it, so it asks nothing and is only among "
        "what others must not find",
        "same: left out, since all its labels are '1'",
    )
    assert found.columns[0].codes.tolist() == [0, 0, 1, -1]


def test_repeated_rows_count_once_and_contradictions_not_at_all(
    store: LocalStore, tmp_path: Path
) -> None:
    again = matched(store, tmp_path, "path,kind\n000.png,a\n001.png,a\n002.png,b\n000.png,a\n")
    assert again.notes[0].endswith("count once: 1 rows")
    rows = "000.png,a\n004.png,a\n001.png,a\n002.png,b\n003.png,b\n001.png,b\n"
    found = matched(store, tmp_path, f"path,kind\n{rows}")
    assert found.notes == ("kind: '001.png' is labelled twice, differently: left out",)
    assert [item.key for item in found.items] == ["000.png", "002.png", "003.png", "004.png"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("gone.png,a\n", "no picture has a label"),
        ("000.png,a\n001.png,a\n", "all its labels are 'a'"),
        ("000.png,a\n001.png,b\n", "none of its 2 classes has two examples"),
    ],
)
def test_labels_that_measure_nothing_are_refused(
    store: LocalStore, tmp_path: Path, rows: str, words: str
) -> None:
    with pytest.raises(LabelError, match=words):
        matched(store, tmp_path, f"path,kind\n{rows}")


def test_folders_and_metadata_are_labels_too(tmp_path: Path) -> None:
    colors = list(random_colors(4).values())
    names = ["a/1.png", "a/2.png", "b/1.png", "b/2.png"]
    write_pictures(tmp_path / "p", dict(zip(names, colors, strict=True)))
    build_fake(tmp_path / "folders", tmp_path / "p")
    rows = "".join(f"{name},{at // 2}\n" for at, name in enumerate(names))
    (tmp_path / "p" / "t.csv").write_text(f"path,half\n{rows}")
    build_fake(tmp_path / "table", tmp_path / "p" / "t.csv")
    for index, match, name in (
        ("folders", match_folders, "kind"),
        ("table", match_columns, "half"),
    ):
        store = LocalStore(tmp_path / index)
        found = match(store, [name])
        assert [(one.name, one.codes.tolist()) for one in found.columns] == [(name, [0, 0, 1, 1])]
        store.close()
