"""Files of labels: what is read, and what is refused with a line that says why."""

from pathlib import Path

import pytest

from indexer.errors import SourceError
from models.errors import UnknownNameError
from service.evaluation.labels import LabelError, folder_label, label_of, read_labels


def write(folder: Path, text: str, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_column_of_a_table_beside_path_and_key_is_labels(tmp_path: Path) -> None:
    path = write(tmp_path, "key,path,color,size\na,p/1.jpg,red,7\nb,p/2.jpg,,8\n")
    found = read_labels(path)
    assert found.columns == ("color", "size")
    assert [row.labels for row in found.rows] == [
        {"color": "red", "size": "7"},
        {"color": None, "size": "8"},
    ]
    assert (found.rows[0].key, found.rows[0].path) == ("a", tmp_path / "p/1.jpg")


def test_columns_can_be_picked(tmp_path: Path) -> None:
    path = write(tmp_path, "path,color,size\n1.jpg,red,7\n")
    assert read_labels(path, ["size"]).columns == ("size",)
    with pytest.raises(UnknownNameError, match="'shape': expected one of color, size"):
        read_labels(path, ["shape"])


def test_table_of_keys_alone_may_have_any_delimiter(tmp_path: Path) -> None:
    found = read_labels(write(tmp_path, "key;color\nshoe 1;red\n"))
    assert (found.rows[0].key, found.rows[0].labels) == ("shoe 1", {"color": "red"})


@pytest.mark.parametrize("line", ["my shoe.jpg\tred", "my shoe.jpg red"])
def test_list_has_a_path_and_a_label_a_line(tmp_path: Path, line: str) -> None:
    found = read_labels(write(tmp_path, f"{line}\n\n", "list.txt"), ["color"])
    assert found.columns == ("color",)
    assert [(row.written, row.labels) for row in found.rows] == [("my shoe.jpg", {"color": "red"})]


@pytest.mark.parametrize(
    ("value", "label"),
    [("", None), (None, None), ("NaN", None), (float("nan"), None), (True, "true"), (7, "7")],
)
def test_empty_cells_and_nan_are_no_labels(value: object, label: str | None) -> None:
    assert label_of(value) == label  # type: ignore[arg-type]


@pytest.mark.parametrize(("key", "label"), [("a/banded/1.jpg", "banded"), ("1.jpg", None)])
def test_a_folder_is_a_class(key: str, label: str | None) -> None:
    assert folder_label(key) == label


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("l.csv", "picture,color\n1.jpg,red\n", "no column 'path' or 'key'"),
        ("l.csv", "path\n1.jpg\n", "no column of labels"),
        ("l.csv", "path,color\n,red\n", "row 2: neither path nor key"),
        ("l.txt", "1.jpg\n", "line 1: expected a path, a tab or a space and a label"),
    ],
)
def test_malformed_labels_are_refused(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises((SourceError, LabelError), match=words):
        read_labels(write(tmp_path, text, name))


@pytest.mark.parametrize("name", ["l.csv", "l.txt"])
def test_another_encoding_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes("path,größe\n1.jpg,groß\n".encode("utf-16"))
    with pytest.raises(SourceError, match="UTF-8"):
        read_labels(tmp_path / name)


def test_missing_file_and_two_names_for_a_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no labels at"):
        read_labels(tmp_path / "none.csv")
    with pytest.raises(LabelError, match="name one"):
        read_labels(write(tmp_path, "a b\n", "l.txt"), ["x", "y"])
