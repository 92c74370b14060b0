"""`hueweave key`: keys made, listed and revoked from the shell."""

import re
from pathlib import Path

import pytest

from api.main import run
from service.keys import is_key

ROOT = Path(__file__).parents[2]
Captured = pytest.CaptureFixture[str]


def key(capsys: Captured, *arguments: str, file: str | None = "keys.json") -> tuple[int, str, str]:
    """Run a key command; return its exit code, stdout and stderr."""
    code = run(["key", *arguments, *(["--keys", file] if file else [])])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_key_is_shown_once_and_alone_on_stdout(capsys: Captured) -> None:
    code, out, err = key(capsys, "create", "the shop", "--scope", "read", "--expires", "30")
    assert code == 0
    assert is_key(out.removesuffix("\n"))
    assert re.search(r"for 'the shop' may read until \d{4}-\d\d-\d\d", err)
    assert out.strip() not in err
    _, listed, _ = key(capsys, "list")
    assert "the shop" in listed
    assert out.strip().split("_", 2)[2] not in listed


def test_list_shows_id_scope_and_end(capsys: Captured) -> None:
    _, text, _ = key(capsys, "create", "a", "--scope", "admin")
    code, out, _ = key(capsys, "list")
    assert code == 0
    (line,) = out.splitlines()
    assert line.startswith(f"{text.split('_')[1]}  admin")
    assert "no end" in line
    assert line.endswith("  a")


def test_revoked_key_is_listed_no_more(capsys: Captured) -> None:
    _, text, _ = key(capsys, "create", "a", "--scope", "write")
    code, _, err = key(capsys, "revoke", text.split("_")[1])
    assert (code, "counts no longer" in err) == (0, True)
    _, out, err = key(capsys, "list")
    assert (out, err) == ("", "there are no keys\n")


def test_rotation_says_what_it_did(capsys: Captured) -> None:
    key(capsys, "create", "a", "--scope", "write")
    code, _, err = key(capsys, "rotate")
    assert (code, "open nothing any more" in err) == (0, True)


def test_file_comes_from_the_environment_too(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HUEWEAVE_KEYS", str(tmp_path / "other.json"))
    assert key(capsys, "create", "a", "--scope", "read", file=None)[0] == 0
    assert (tmp_path / "other.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["create", "a", "--scope", "root"], "unknown scope 'root'"),
        (["create", "", "--scope", "read"], "key name ''"),
        (["create", "a", "--scope", "read", "--expires", "0"], "--expires"),
        (["create", "a"], "--scope"),
        (["revoke", "beef"], "cannot read keys file"),
        (["list"], "cannot read keys file"),
        (["rotate"], "cannot read keys file"),
        ([], "Usage"),
    ],
)
def test_wrong_call_is_exit_code_2_and_says_what_would_be_right(
    arguments: list[str], words: str, capsys: Captured
) -> None:
    code, out, err = key(capsys, *arguments, file="keys.json" if arguments else None)
    assert code == 2
    assert words in out + err
    assert "Traceback" not in err


def test_without_a_file_it_says_how_to_name_one(capsys: Captured) -> None:
    code, _, err = key(capsys, "list", file=None)
    assert (code, "--keys FILE or HUEWEAVE_KEYS" in err) == (2, True)


@pytest.mark.parametrize("name", ["create", "list", "revoke", "rotate"])
def test_every_part_and_its_flags_are_documented(name: str, capsys: Captured) -> None:
    section = (ROOT / "docs" / "cli.md").read_text("utf-8").split("## hueweave key\n")[1]
    section = section.split("\n## ")[0]
    assert run(["key", name, "--help"]) == 0
    shown = capsys.readouterr().out
    flags = {word.strip(",.") for word in shown.split() if word.startswith("--")} - {"--help"}
    assert "--keys" in flags
    assert {flag for flag in flags if f"`{flag}`" not in section} == set()
    assert f"`hueweave key {name}" in section
