"""The image, as far as it shows without Docker: what is copied, who runs it, what it is told."""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.app import create_app
from models.backbones import BACKBONES, PACKAGED
from service.settings import CONFIG_VARIABLE, Settings

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
ENTRYPOINT = DOCKER / "entrypoint.sh"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Instruction:
    """One instruction of the Dockerfile and the stage it belongs to."""

    stage: str
    name: str
    value: str


def read_dockerfile() -> list[Instruction]:
    text = re.sub(r"^[ \t]*#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    stage, found = "", []
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            name, value = line.split(None, 1)
            stage = value.split()[-1] if name == "FROM" else stage
            found.append(Instruction(stage, name, value.strip()))
    return found


DOCKERFILE = read_dockerfile()
FINAL = DOCKERFILE[-1].stage


def last(name: str) -> str:
    return [one.value for one in DOCKERFILE if one.stage == FINAL and one.name == name][-1]


def pairs(name: str) -> dict[str, str]:
    words = [word for one in DOCKERFILE if one.name == name for word in shlex.split(one.value)]
    return dict(word.split("=", 1) for word in words if "=" in word)


def copied(stage: str | None = None) -> list[str]:
    """What COPY takes out of the build context, by any stage or by one."""
    lines = [one for one in DOCKERFILE if one.name == "COPY" and stage in (None, one.stage)]
    words = [one.value.split() for one in lines]
    return [source for line in words if not line[0].startswith("--from") for source in line[:-1]]


def ignored(path: str) -> bool:
    """Whether .dockerignore leaves ``path`` out: the last pattern that fits it or a parent."""
    parts = path.split("/")
    parents = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    out = False
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = re.escape(line.removeprefix("!"))
        pattern = pattern.replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(pattern, parent) for parent in parents):
            out = not line.startswith("!")
    return out


# --- the Dockerfile ------------------------------------------------------------------------------


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
    torch = (tmp_path / "torch.txt").read_text("utf-8").split()
    others = (tmp_path / "others.txt").read_text("utf-8").split()
    assert [re.split(r"\W", one)[0] for one in torch] == ["torch", "torchvision"]
    assert sorted(torch + others) == sorted(PROJECT["project"]["dependencies"])


@pytest.mark.parametrize("file", ["Dockerfile", "docker/compose.yaml", "docker/entrypoint.sh"])
def test_every_setting_it_names_exists(file: str) -> None:
    named = set(re.findall(r"HUEWEAVE_[A-Z_]+", (ROOT / file).read_text("utf-8")))
    known = {f"HUEWEAVE_{field.upper()}" for field in Settings.model_fields}
    assert named <= known | {CONFIG_VARIABLE}


# --- the entry point -----------------------------------------------------------------------------


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


# --- the health check ----------------------------------------------------------------------------


class Server(HTTPServer):
    """Answers every request with one status and keeps the paths asked for."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = status
        self.asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """See Server."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that answers with the status given as the fixture's parameter."""
    with Server(request.param) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def ask_health(port: int) -> int:
    # A proxy that nobody answers at: a check that went through it would fail.
    environment = {"HUEWEAVE_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
    command = [sys.executable, "-I", DOCKER / "healthcheck.py"]
    return subprocess.run(command, env=environment, capture_output=True).returncode


@pytest.mark.parametrize("server", [200], indirect=True)
def test_a_server_that_is_ready_is_healthy_and_asked_at_a_route_of_the_api(server: Server) -> None:
    assert ask_health(server.server_port) == 0
    assert server.asked == ["/readyz"]
    assert server.asked[0] in create_app(Settings()).openapi()["paths"]


@pytest.mark.parametrize("server", [503], indirect=True)
def test_a_server_that_is_not_ready_is_not_healthy(server: Server) -> None:
    assert ask_health(server.server_port) == 1


def test_no_server_is_not_healthy() -> None:
    with Server(200) as closed:
        port = closed.server_port
    assert ask_health(port) == 1


# --- compose -------------------------------------------------------------------------------------

COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
SERVICES = sorted(COMPOSE["services"])


def test_compose_serves_and_builds_only_when_asked() -> None:
    assert SERVICES == ["build", "hueweave"]
    assert "profiles" not in COMPOSE["services"]["hueweave"]
    assert COMPOSE["services"]["build"]["profiles"] == ["build"]


@pytest.mark.parametrize("name", SERVICES)
def test_services_have_no_more_rights_than_they_need(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]
    assert "user" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_services_see_the_pictures_read_only_and_one_index(name: str) -> None:
    volumes = COMPOSE["services"][name]["volumes"]
    (pictures,) = [one for one in volumes if one["type"] == "bind"]
    (index,) = [one for one in volumes if one["type"] == "volume"]
    assert pictures["read_only"] is True
    assert pictures["source"].startswith("${PICTURES:?")
    assert index["target"] == pairs("ENV")["HUEWEAVE_INDEX"]
    assert index["source"] in COMPOSE["volumes"]
    assert len(volumes) == 2


def test_the_port_is_published_on_this_machine_only() -> None:
    (port,) = COMPOSE["services"]["hueweave"]["ports"]
    assert port == f"${{PUBLISH:-127.0.0.1:8000}}:{last('EXPOSE')}"


def test_only_the_server_has_a_health_check_and_it_is_the_one_of_the_image() -> None:
    assert "healthcheck" not in COMPOSE["services"]["hueweave"]
    assert COMPOSE["services"]["build"]["healthcheck"] == {"disable": True}


def test_build_arguments_of_compose_exist() -> None:
    named = set(COMPOSE["services"]["hueweave"]["build"]["args"])
    assert named <= {one.value.partition("=")[0] for one in DOCKERFILE if one.name == "ARG"}
