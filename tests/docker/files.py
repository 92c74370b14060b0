"""The Dockerfile, read; what its tests share."""

import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
