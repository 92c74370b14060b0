"""Making an index: all or nothing, and never over something else."""

import json
from pathlib import Path

import pytest

from indexer import creation
from indexer.creation import check_can_create, create_index, is_index
from indexer.errors import IndexBusyError, IndexFolderError
from indexer.manifest_file import read_manifest
from tests.fakes import manifest


def test_a_new_index_is_whole_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "deep" / "index"

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(creation, "write_manifest", interrupt)
        with pytest.raises(KeyboardInterrupt):
            create_index(folder, manifest())
    assert not is_index(folder)
    (folder / ".manifest.json.partial").write_text("{")
    made = manifest()
    create_index(folder, made)  # what was left is no obstacle
    assert is_index(folder)
    assert read_manifest(folder) == made


def test_an_index_cut_short_after_its_network_ends_with_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(creation, "write_manifest", interrupt)
        with pytest.raises(KeyboardInterrupt):
            create_index(tmp_path / "index", manifest(), b"first")
    assert [*(tmp_path / "index").glob("networks/*")]
    create_index(tmp_path / "index", manifest(), b"second")
    (found,) = (tmp_path / "index").glob("networks/*")
    assert found.read_bytes() == b"second"


def test_of_two_processes_that_make_one_index_the_first_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_index(tmp_path / "index", manifest(preset="paper"))
    with pytest.raises(IndexBusyError, match="has just been made an index by another process"):
        create_index(tmp_path / "index", manifest())
    assert json.loads((tmp_path / "index" / "manifest.json").read_text())["preset"] == "paper"


@pytest.mark.parametrize("name", ["notes.txt", "pools/mine.png", "catalog.sqlite.bak"])
def test_a_folder_with_other_files_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "used" / name).parent.mkdir(parents=True)
    (tmp_path / "used" / name).touch()
    with pytest.raises(IndexFolderError, match=r"used' is not an index and not empty"):
        check_can_create(tmp_path / "used")


def test_a_file_where_the_index_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IndexFolderError, match=r"file' is a file: name a folder"):
        check_can_create(tmp_path / "file")
    with pytest.raises(IndexFolderError, match=r"cannot make an index at '.*file/index'"):
        create_index(tmp_path / "file" / "index", manifest())


def test_a_file_system_of_its_own_is_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "mounted" / "lost+found").mkdir(parents=True)
    made = manifest()
    create_index(tmp_path / "mounted", made)
    assert read_manifest(tmp_path / "mounted") == made
