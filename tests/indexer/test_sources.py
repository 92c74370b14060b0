"""Sources: the same pictures in the same order, whatever names and encodings bring."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.errors import SourceError
from indexer.sources import Entry, FolderSource, TableSource, check_not_empty, open_source


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def keys(text: Path | str, **options: Path) -> list[str]:
    return [entry.key for entry in open_source(str(text), **options).entries()]


def test_a_folder_is_read_all_the_way_down_in_a_stable_order(tmp_path: Path) -> None:
    names = ["b.png", "a/z.jpg", "a/b/1.webp", "A.JPG", "c.JpEg", "a.gif", "ä.tif", "a b/%#'.bmp"]
    touch(tmp_path, *names, "notes.txt", "a/no-suffix", "jpg")
    assert keys(tmp_path) == [
        "A.JPG", "a/b/1.webp", "a/z.jpg", "a b/%#'.bmp", "a.gif", "b.png", "c.JpEg", "ä.tif",
    ]  # fmt: skip
    assert keys(tmp_path) == keys(f"{tmp_path}/")
    assert next(open_source(str(tmp_path)).entries()) == Entry("A.JPG", tmp_path / "A.JPG")


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "seen.jpg", ".hidden.jpg", ".thumbnails/a.jpg", "a/._b.jpg")
    assert keys(tmp_path) == ["seen.jpg"]


def test_an_index_inside_its_own_source_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.jpg", "deep/index/media/b.jpg", "deep/index.jpg", "deep/index2/c.jpg")
    monkeypatch.chdir(tmp_path / "deep")
    expected = ["a.jpg", "deep/index.jpg", "deep/index2/c.jpg"]
    assert keys(tmp_path, index=tmp_path / "deep" / "index") == expected
    assert keys(tmp_path, index=Path("index")) == expected


def test_links_to_pictures_are_followed_and_links_to_folders_are_not(tmp_path: Path) -> None:
    touch(tmp_path, "source/a.jpg", "other/b.jpg")
    (tmp_path / "source" / "link.jpg").symlink_to(tmp_path / "other" / "b.jpg")
    (tmp_path / "source" / "loop").symlink_to(tmp_path / "source")
    assert keys(tmp_path / "source") == ["a.jpg", "link.jpg"]


def test_a_name_that_is_not_utf_8_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")).touch()
    (entry,) = open_source(str(tmp_path)).entries()
    assert entry.key == r"caf\xe9.jpg"
    assert entry.problem == "its name is not UTF-8: rename the file"


def test_a_list_is_read_whatever_its_line_ends(tmp_path: Path) -> None:
    written = "\ufeffa.jpg\r\n\r\n  b c.jpg  \n\n/abs/d.jpg\nsub/é 色.jpg"
    (tmp_path / "list.txt").write_bytes(written.encode())
    entries = list(open_source(str(tmp_path / "list.txt")).entries())
    assert [entry.key for entry in entries] == ["a.jpg", "b c.jpg", "/abs/d.jpg", "sub/é 色.jpg"]
    assert entries[1].path == tmp_path / "b c.jpg"
    assert entries[2].path == Path("/abs/d.jpg")


def test_paths_count_from_the_list_and_else_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "lists/both.jpg", "both.jpg", "here.jpg")
    (tmp_path / "lists" / "list.txt").write_text("both.jpg\nhere.jpg\nnowhere.jpg\n")
    monkeypatch.chdir(tmp_path)
    paths = [entry.path for entry in open_source("lists/list.txt").entries()]
    assert paths == [Path("lists/both.jpg"), Path("here.jpg"), Path("lists/nowhere.jpg")]


def test_odd_lines_of_a_list_are_entries_not_crashes(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a\0b.jpg\n" + "x" * 5000 + ".jpg\n")
    zero, long = open_source(str(tmp_path / "list.txt")).entries()
    assert (zero.key, zero.problem) == ("a\\0b.jpg", "its path has a zero byte")
    assert (len(long.key), long.problem) == (5004, None)


@pytest.mark.parametrize("key", [".", ".."])
def test_a_key_that_no_address_can_name_is_a_problem(tmp_path: Path, key: str) -> None:
    (tmp_path / "items.csv").write_text(f"path,key\na.jpg,{key}\nb.jpg,{key}.\n")
    (tmp_path / "list.txt").write_text(f"{key}\nb.jpg\n")
    for name, other in (("items.csv", f"{key}."), ("list.txt", "b.jpg")):
        bad, good = open_source(str(tmp_path / name)).entries()
        assert (bad.key, good.key) == (key, other)
        assert bad.problem == f"its key is {key!r}, which no address can name: give it another"


def test_a_binary_file_is_no_list(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xd8")
    with pytest.raises(SourceError, match=r"blob' is not a text file in UTF-8 \(byte 0x89\)"):
        keys(path)


def test_a_table_gives_keys_paths_and_typed_metadata(tmp_path: Path) -> None:
    path = tmp_path / "items.tsv"
    path.write_text("path\tkey\tprice\tsku\nsub/a.jpg\t1\t9.5\t007\n/abs/b.jpg\t2\t\t008\n")
    source = open_source(str(path))
    assert isinstance(source, TableSource)
    assert source.columns == {"price": "number", "sku": "text"}
    assert list(source.entries()) == [
        Entry("1", tmp_path / "sub/a.jpg", {"price": 9.5, "sku": "007"}),
        Entry("2", Path("/abs/b.jpg"), {"price": None, "sku": "008"}),
    ]


def test_without_a_key_column_the_path_as_written_is_the_key(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("path\nsub/./a.jpg\n")
    assert keys(tmp_path / "items.csv") == ["sub/./a.jpg"]


def test_parquet_keys_of_any_type_become_text(tmp_path: Path) -> None:
    columns = {"key": [17, 18], "path": ["a.jpg", "/abs/b.jpg"], "price": [1.5, float("nan")]}
    pq.write_table(pa.table(columns), tmp_path / "items.PARQUET")
    assert list(open_source(str(tmp_path / "items.PARQUET")).entries()) == [
        Entry("17", tmp_path / "a.jpg", {"price": 1.5}),
        Entry("18", Path("/abs/b.jpg"), {"price": None}),
    ]


def test_a_table_without_a_path_column_is_told_which_it_has(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("file,color\na.jpg,red\n")
    with pytest.raises(SourceError, match=r"no column 'path': its columns are 'file', 'color'"):
        open_source(str(tmp_path / "items.csv"))
    (tmp_path / "empty.csv").touch()
    with pytest.raises(SourceError, match=r"no column 'path': its columns are \(none\)"):
        open_source(str(tmp_path / "empty.csv"))


@pytest.mark.parametrize(("row", "name"), [("a.jpg,", "key"), (",1", "path")])
def test_an_empty_path_or_key_is_named_by_its_row(tmp_path: Path, row: str, name: str) -> None:
    (tmp_path / "items.csv").write_text(f"path,key\nb.jpg,2\n{row}\n")
    with pytest.raises(SourceError, match=rf"items\.csv', row 3: '{name}' is empty"):
        keys(tmp_path / "items.csv")


@pytest.mark.parametrize("text", ["nowhere", "n" * 5000, "nowhere/a.csv"])
def test_a_missing_source_is_named_with_what_one_may_be(text: str) -> None:
    with pytest.raises(SourceError, match=f"no source at '{text}': expected a folder, a list"):
        open_source(text)


def test_a_single_picture_is_no_source(tmp_path: Path) -> None:
    touch(tmp_path, "a.JPG")
    with pytest.raises(SourceError, match="is one picture: expected a folder"):
        open_source(str(tmp_path / "a.JPG"))


def test_a_source_that_names_no_picture_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    (tmp_path / "items.csv").write_text("path,color\n")
    for name in ("", "notes.txt", "items.csv"):
        with pytest.raises(SourceError, match=r"names no pictures: expected files ending in"):
            check_not_empty(open_source(str(tmp_path / name)))
    touch(tmp_path, "a.jpg")
    check_not_empty(open_source(str(tmp_path)))


def test_a_folder_that_vanishes_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot list folder '.*gone': No such file"):
        list(FolderSource(tmp_path / "gone").entries())
