"""`hueweave info`: a table, JSON, and what a server does not tell."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from api.main import run
from indexer.local import LocalStore
from indexer.manifest_file import read_manifest, write_manifest
from service.info import describe
from service.remote import RemoteIndex
from tests.fakes import build_fake


@pytest.fixture
def index(fake_index: Path, pictures: Path) -> Path:
    """An index with twelve pictures that could not be read."""
    for n in range(12):
        (pictures / f"bad-{n:02}.png").write_bytes(b"no")
    build_fake(fake_index, pictures)
    return fake_index


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[str, str]:
    assert run(["info", *map(str, arguments)]) == 0
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_table_lists_some_failures_and_says_how_to_see_all(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = shown(capsys, "--index", index)
    assert out.count("unreadable       bad-") == 10
    assert "… and 2 more: `hueweave info --failures`" in err


def test_table_says_which_numbers_an_index_is_in(
    fake_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "numbers          floats\n" in shown(capsys, "--index", fake_index)[0]
    made = read_manifest(fake_index)
    write_manifest(fake_index, replace(made, recipe=replace(made.recipe, quantized="a" * 64)))
    out, _ = shown(capsys, "--index", fake_index)
    assert f"numbers          int8, network {'a' * 64}\n" in out


def test_failures_lists_all_of_them(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = shown(capsys, "--index", index, "--failures")
    assert out.count("unreadable       bad-") == 12
    assert err == ""


@pytest.mark.parametrize(("flags", "count"), [([], 10), (["--failures"], 12)])
def test_json_of_a_folder_has_failures_with_their_reasons(
    index: Path, capsys: pytest.CaptureFixture[str], flags: list[str], count: int
) -> None:
    found = json.loads(shown(capsys, "--index", index, "--json", *flags)[0])
    assert (found["failures"], len(found["unreadable"])) == (12, count)
    assert set(found["unreadable"][0]) == {"key", "source", "reason"}


def test_server_tells_how_many_failed_but_not_which(
    index: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStore(index)
    info = describe(store)
    store.close()
    monkeypatch.setattr(RemoteIndex, "info", lambda self: info)
    found = json.loads(shown(capsys, "--index", "http://there", "--json")[0])
    assert found["failures"] == 12
    assert "unreadable" not in found
    out, err = shown(capsys, "--index", "http://there", "--failures")
    assert "unreadable       12" in out
    assert "12 more" in err
    assert "on the index's folder" in err


def test_table_names_steps_of_every_space(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = shown(capsys, "--index", index)
    assert "block4-gap-whitened: 12 dimensions, root + whitened + cosine, FAISS" in out
    assert "block2-gap: 8 dimensions, root + centred + cosine, scanned" in out
