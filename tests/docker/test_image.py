"""The image, as far as it shows without Docker: what is copied, who runs it, what it is told."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from models.backbones import BACKBONES, PACKAGED
from service.settings import CONFIG_VARIABLE, Settings
from tests.docker.files import (
    DOCKER,
    DOCKERFILE,
    FINAL,
    PROJECT,
    ROOT,
    copied,
    ignored,
    last,
    pairs,
)


@pytest.mark.parametrize("source", sorted(set(copied())))
def test_what_is_copied_is_there_and_in_the_build_context(source: str) -> None:
    assert (ROOT / source).exists()
    assert not ignored(source)


def test_every_package_of_the_project_is_copied() -> None:
    packages = {name.split(".")[0] for name in PROJECT["tool"]["setuptools"]["packages"]}
    assert packages <= set(copied("wheel"))


def test_the_files_that_the_metadata_names_are_copied() -> None:
    project = PROJECT["project"]
    assert {project["readme"], *project["license-files"]} <= set(copied("wheel"))


@pytest.mark.parametrize(
    "path", [".git", ".venv/bin/python", "tests/fakes.py", "docs", "models/__pycache__/a.pyc"]
)
def test_the_build_context_leaves_out_what_the_image_does_not_need(path: str) -> None:
    assert ignored(path)


def test_a_file_inside_a_package_is_in_the_build_context() -> None:
    assert not ignored("models/networks/resnet.py")


def test_it_does_not_run_as_root_but_under_a_number() -> None:
    user, _, group = last("USER").partition(":")
    assert int(user) > 0
    assert int(group) > 0


def test_everything_started_is_copied_to_where_it_is_started() -> None:
    lines = [one.value.split() for one in DOCKERFILE if one.stage == FINAL and one.name == "COPY"]
    placed = {
        f"{line[-1]}{Path(source).name}"
        for line in lines
        if not line[0].startswith("--from")
        for source in line[:-1]
    }
    health = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    assert {json.loads(last("ENTRYPOINT"))[0], health[-1]} <= placed


def test_it_serves_unless_told_otherwise() -> None:
    assert json.loads(last("CMD")) == ["serve"]


def test_it_exposes_the_port_that_the_server_binds_by_default() -> None:
    assert int(last("EXPOSE")) == Settings.model_fields["port"].default


def test_its_label_has_the_version_of_the_project() -> None:
    assert pairs("LABEL")["org.opencontainers.image.version"] == PROJECT["project"]["version"]


def test_all_stages_agree_on_the_default_backbone_and_it_needs_no_download() -> None:
    values = [one.value for one in DOCKERFILE if one.name == "ARG"]
    (default,) = {value for value in values if value.startswith("BACKBONE=")}
    assert BACKBONES[default.partition("=")[2]].weights == PACKAGED


def test_the_split_requirements_are_all_dependencies(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-I", DOCKER / "requirements.py", ROOT / "pyproject.toml", tmp_path],
        check=True,
    )
    torch = (tmp_path / "torch.txt").read_text("utf-8").splitlines()
    others = (tmp_path / "others.txt").read_text("utf-8").splitlines()
    assert [re.split(r"\W", one)[0] for one in torch] == ["torch", "torchvision"]
    assert sorted(torch + others) == sorted(PROJECT["project"]["dependencies"])


@pytest.mark.parametrize("file", ["Dockerfile", "docker/compose.yaml", "docker/entrypoint.sh"])
def test_every_setting_it_names_exists(file: str) -> None:
    named = set(re.findall(r"HUEWEAVE_[A-Z_]+", (ROOT / file).read_text("utf-8")))
    known = {f"HUEWEAVE_{field.upper()}" for field in Settings.model_fields}
    assert named <= known | {CONFIG_VARIABLE}
