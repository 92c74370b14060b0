"""Write a project's dependencies as requirements files: PyTorch's packages, and all others."""

import re
import sys
import tomllib
from pathlib import Path

# They come from PyTorch's own index, which has a build for each kind of device.
TORCH = {"torch", "torchvision"}


def main() -> None:
    """Read the pyproject.toml and write into the folder that the arguments name."""
    project, folder = Path(sys.argv[1]), Path(sys.argv[2])
    dependencies = tomllib.loads(project.read_text("utf-8"))["project"]["dependencies"]
    folder.mkdir(parents=True, exist_ok=True)
    torch = [one for one in dependencies if _name(one) in TORCH]
    others = [one for one in dependencies if _name(one) not in TORCH]
    for name, lines in {"torch.txt": torch, "others.txt": others}.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


if __name__ == "__main__":
    main()
