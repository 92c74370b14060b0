"""The command's entry point: exit codes, and errors as one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from api.main import run

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "sample", "init", "build", "add", "remove", "query", "palette", "facets", "serve", "info",
    "export", "verify", "alias", "evaluate", "fit", "tag",
]  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_its_flags_are_documented(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run([name, "--help"])
    shown = capsys.readouterr().out
    text = (ROOT / "docs" / "cli.md").read_text()
    section = text.split(f"## hueweave {name}\n")[1].split("\n## ")[0]
    flags = {word.strip(",.") for word in shown.split() if word.startswith("--")} - {"--help"}
    assert flags
    assert {flag for flag in flags if f"`{flag}`" not in section} == set()


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hueweave 0.")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["build", "x", "--nonsense"], "--nonsense"),
        (["weave"], "weave"),
        (["query", "a.jpg", "-k", "many"], "--limit"),
        (["build"], "SOURCE"),
    ],
)
def test_wrong_call_is_exit_code_2_without_a_trace(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert "Traceback" not in shown


def test_stopped_build_says_that_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import service.building

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(service.building, "build_index", interrupted)
    assert run(["build", str(tmp_path), "--index", "i"]) == 130
    assert "run the same command again" in capsys.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from api.main import run; run(['--help']);"
        "heavy = {'torch', 'faiss', 'fastapi', 'numpy', 'PIL', 'pydantic'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
