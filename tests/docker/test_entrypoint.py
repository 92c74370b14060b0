"""The entry point: which network a new index takes."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.docker.files import ENTRYPOINT


def test_the_entry_point_is_an_executable_shell_script() -> None:
    assert os.access(ENTRYPOINT, os.X_OK)
    subprocess.run(["sh", "-n", ENTRYPOINT], check=True)


@pytest.fixture
def start(tmp_path: Path) -> Any:
    """Start the entry point with a hueweave that tells which backbone and arguments it got."""
    command = tmp_path / "bin" / "hueweave"
    command.parent.mkdir()
    command.write_text('#!/bin/sh\nprintf "%s\\n" "${HUEWEAVE_BACKBONE-none}" "$@"\n', "utf-8")
    command.chmod(0o755)

    def run(*arguments: str, **variables: str) -> list[str]:
        environment = {
            "PATH": f"{command.parent}:{os.environ['PATH']}",
            "IMAGE_BACKBONE": "resnet18",
            "HUEWEAVE_INDEX": str(tmp_path / "index"),
            **variables,
        }
        done = subprocess.run(
            [ENTRYPOINT, *arguments],
            env=environment,
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.splitlines()

    return run


@pytest.fixture
def other_index(tmp_path: Path) -> Path:
    """A folder that holds an index, other than the one that HUEWEAVE_INDEX names."""
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "manifest.json").touch()
    return folder


def test_arguments_reach_the_command_as_they_are(start: Any) -> None:
    assert start("query", "a b.jpg", "--json") == ["none", "query", "a b.jpg", "--json"]


@pytest.mark.parametrize("command", ["build", "init"])
def test_a_new_index_takes_the_network_of_the_image(start: Any, command: str) -> None:
    assert start(command, "/pictures")[0] == "resnet18"


def test_the_server_is_told_no_network(start: Any) -> None:
    assert start("serve") == ["none", "serve"]


@pytest.mark.parametrize("flag", ["--backbone", "--weights"])
def test_a_flag_decides_over_the_network_of_the_image(start: Any, flag: str) -> None:
    assert start("build", "/pictures", flag, "x")[0] == "none"
    assert start("build", "/pictures", f"{flag}=x")[0] == "none"


def test_a_variable_decides_over_the_network_of_the_image(start: Any) -> None:
    assert start("build", "/pictures", HUEWEAVE_BACKBONE="alexnet")[0] == "alexnet"
    assert start("build", "/pictures", HUEWEAVE_WEIGHTS="/x.pth")[0] == "none"


def test_a_settings_file_decides_over_the_network_of_the_image(start: Any, tmp_path: Path) -> None:
    (tmp_path / "hueweave.toml").write_text('backbone = "alexnet"\n', "utf-8")
    assert start("build", "/pictures")[0] == "none"


def test_a_settings_file_about_something_else_does_not(start: Any, tmp_path: Path) -> None:
    (tmp_path / "hueweave.toml").write_text('weights_mirror = "http://m"\n', "utf-8")
    assert start("build", "/pictures")[0] == "resnet18"


def test_an_index_that_exists_goes_on_with_its_own_network(start: Any, other_index: Path) -> None:
    assert start("build", "/pictures", HUEWEAVE_INDEX=str(other_index))[0] == "none"
    assert start("build", "/pictures", "--index", str(other_index))[0] == "none"
    assert start("build", f"--index={other_index}", "/pictures")[0] == "none"


def test_a_new_index_beside_one_that_exists_is_new(
    start: Any, other_index: Path, tmp_path: Path
) -> None:
    new = ["--index", str(tmp_path / "new")]
    assert start("build", "/pictures", *new, HUEWEAVE_INDEX=str(other_index))[0] == "resnet18"
