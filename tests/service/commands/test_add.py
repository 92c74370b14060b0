"""`hueweave add` and `hueweave remove`: what they print, and their exit codes."""

import json
from pathlib import Path

import pytest

from api.main import run
from indexer.local import LocalStore
from service import adding
from tests.fakes import FakeExtractor
from tests.pictures import picture

Shown = tuple[int, str, str]


@pytest.fixture
def command(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> "Command":
    monkeypatch.setattr(adding, "pinned_extractor", lambda *_: FakeExtractor())
    return Command(fake_index, capsys)


class Command:
    """Runs commands on an index."""

    def __init__(self, index: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.index, self._capsys = index, capsys

    def __call__(self, *arguments: object) -> Shown:
        code = run([*map(str, arguments), "--index", str(self.index)])
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err


def new(folder: Path, name: str, seed: int = 1) -> Path:
    path = folder / name
    path.write_bytes(picture(seed))
    return path


def test_pictures_are_added_and_counted(command: Command, tmp_path: Path) -> None:
    one, two = new(tmp_path, "one.png", 1), new(tmp_path, "two.png", 2)
    code, out, err = command("add", one, two, "--metadata", '{"price": 3}')
    assert (code, out) == (0, "22 items in the index (2 added)\n")
    assert "done 2/2" in err
    new(tmp_path, "two.png", 3)
    assert command("add", one, two, "--metadata", '{"price": 3}')[:2] == (
        0,
        "22 items in the index (1 unchanged, 1 replaced)\n",
    )
    store = LocalStore(command.index)
    item = store.item("two.png")
    assert item is not None
    assert item.metadata == {"price": 3}
    store.close()


def test_single_picture_may_have_any_key(command: Command, tmp_path: Path) -> None:
    assert command("add", new(tmp_path, "a.png"), "--key", "shoes/17")[0] == 0
    assert command("remove", "shoes/17")[:2] == (0, "20 items in the index (1 removed)\n")


def test_some_that_cannot_be_added_are_named_but_all_of_them_fail(
    command: Command, tmp_path: Path
) -> None:
    good, bad = new(tmp_path, "good.png"), tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    code, out, err = command("add", good, bad)
    assert (code, out) == (0, "21 items in the index (1 added, 1 not added)\n")
    assert "not added: bad.png: it is not a picture" in err
    code, out, err = command("add", bad)
    assert (code, out) == (1, "")
    assert "error: none of the 1 pictures could be added; 'bad.png'" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.png"], "no picture at 'nothing.png'"),
        (["pictures", "--key", "a"], "one key, 'a', for 20 pictures"),
        (["pictures/001.png", "--metadata", "{"], "metadata is not a JSON object"),
        (["pictures/001.png", "--metadata", '{"a": []}'], "metadata 'a' is a list"),
        (["pictures/001.png", "--key", ".."], "no address can name"),
    ],
)
def test_wrong_call_adds_nothing(command: Command, arguments: list[str], words: str) -> None:
    code, out, err = command("add", *arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_folder_that_is_no_index_is_named(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["add", str(pictures), "--index", str(tmp_path / "none")]) == 2
    assert str(tmp_path / "none") in capsys.readouterr().err


def test_stopping_keeps_what_was_added(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "pinned_extractor", lambda *_: FakeExtractor(after=1))
    one, two = new(tmp_path, "one.png", 1), new(tmp_path, "two.png", 2)
    code, _, err = command("add", one, two, "--batch-size", "1")
    assert code == 130
    assert "what was added stays" in err
    store = LocalStore(command.index)
    assert [store.item(key) is not None for key in ("one.png", "two.png")] == [True, False]
    store.close()


def test_unknown_keys_are_named_and_the_others_removed(command: Command) -> None:
    code, out, err = command("remove", "001.png", "nope", "002.png")
    assert (code, out) == (2, "18 items in the index (2 removed)\n")
    assert err == "error: no item has the key 'nope'\n"
    code, out, err = command("remove", "nope", "003.png", "--ignore-missing")
    assert (code, out, err) == (0, "17 items in the index (1 removed)\n", "")


def test_items_added_one_by_one_get_statistics_once_there_are_enough(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from indexer import generations
    from indexer.creation import create_index
    from tests.fakes import manifest

    monkeypatch.setattr(generations, "ENOUGH", 3)
    command.index = tmp_path / "young"
    create_index(command.index, manifest())
    command("add", new(tmp_path, "0.png", 0), new(tmp_path, "1.png", 1))
    young = json.loads(command("info", "--json")[1])["statistics"]
    assert (young["items"], young["provisional"]) == (0, True)
    assert "none yet: taken once there are" in command("info")[1]
    command("add", new(tmp_path, "2.png", 2))
    grown = json.loads(command("info", "--json")[1])["statistics"]
    assert (grown["items"], grown["provisional"]) == (3, False)
    assert "taken from 3 items" in command("info")[1]
