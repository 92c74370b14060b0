"""Which pictures of a source are trained on, as what, and what is said of the others."""

from pathlib import Path

import pytest

from indexer.sources import open_source
from models.errors import UnknownNameError
from models.training.options import TrainingError
from service.training.labelling import label_entries
from tests.pictures import picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures in each of two folders, and one in none."""
    for at, name in enumerate(("red/a.png", "red/b.png", "blue/c.png", "blue/d.png", "e.png")):
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(at))
    return tmp_path / "shop"


def labelled(source: Path, *rest: object) -> tuple[dict[str, str], tuple[str, ...]]:
    found = label_entries(open_source(str(source)), *rest)  # type: ignore[arg-type]
    keys = (entry.key for entry in found.entries)
    return dict(zip(keys, found.labels, strict=True)), found.notices


def test_folders_are_classes_and_a_picture_in_none_is_left_out(folder: Path) -> None:
    found, notices = labelled(folder)
    assert found == {
        "blue/c.png": "blue", "blue/d.png": "blue", "red/a.png": "red", "red/b.png": "red",
    }  # fmt: skip
    assert notices == ("1 of 5 pictures have no label",)


def test_a_table_labels_by_key_or_by_place_and_says_what_is_missing(folder: Path) -> None:
    table = folder.parent / "labels.csv"
    table.write_text("path,kind\nred/a.png,1\nshop/blue/c.png,2\nred/gone.png,1\nshop/e.png,\n")
    found, notices = labelled(folder, table)
    assert found == {"red/a.png": "1", "blue/c.png": "2"}
    assert notices == (
        "'red/gone.png' is labelled, but not among the pictures: passed over",
        "3 of 5 pictures have no label",
    )


def test_a_picture_labelled_twice_differently_is_left_out(folder: Path) -> None:
    rows = folder.parent / "labels.txt"
    rows.write_text("red/a.png x\nred/a.png x\nred/b.png x\nred/b.png y\nblue/c.png y\n")
    found, notices = labelled(folder, rows)
    assert found == {"red/a.png": "x", "blue/c.png": "y"}
    assert notices[0] == "class: 'red/b.png' is labelled twice, differently: left out"


def test_without_a_source_the_pictures_are_those_that_the_labels_name(folder: Path) -> None:
    rows = folder.parent / "labels.txt"
    rows.write_text("shop/red/a.png x\nshop/blue/c.png y\nshop/red/a.png x\n")
    found = label_entries(None, rows)
    assert [(one.key, one.path) for one in found.entries] == [
        (name, folder.parent / name) for name in ("shop/red/a.png", "shop/blue/c.png")
    ]
    assert found.labels == ("x", "y")
    (folder.parent / "keys.csv").write_text("key,kind\nred/a.png,1\n")
    with pytest.raises(TrainingError, match="row 2: a key and no path: name the SOURCE"):
        label_entries(None, folder.parent / "keys.csv")
    with pytest.raises(TrainingError, match="nothing to train on is given"):
        label_entries(None)


def test_of_several_columns_one_has_to_be_named(folder: Path) -> None:
    table = folder / "shop.csv"
    table.write_text("path,color,kind\nred/a.png,red,1\nblue/c.png,blue,2\n")
    for source, rest in ((table, ()), (folder, (table,))):
        with pytest.raises(TrainingError, match="2 columns of labels, color, kind: name one"):
            labelled(source, *rest)
    assert labelled(table, None, "kind")[0] == {"red/a.png": "1", "blue/c.png": "2"}
    assert labelled(folder, table, "color")[0] == {"red/a.png": "red", "blue/c.png": "blue"}
    with pytest.raises(UnknownNameError, match="label column 'size'"):
        labelled(table, None, "size")


def test_pictures_without_any_label_are_refused(folder: Path) -> None:
    with pytest.raises(TrainingError, match="lie in no folders"):
        labelled(folder / "red")
    with pytest.raises(TrainingError, match=r"no column 'kind': name a file with --labels"):
        labelled(folder, None, "kind")
