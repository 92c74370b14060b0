"""An int8 index as a person makes one: the command, which says no more than it should, to nobody
but whoever runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# What talks to others is written down; so is what was imported.
_WATCHED = """
import json, sys

seen = []
wanted = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request")
sys.addaudithook(lambda event, given: seen.append(event) if event in wanted else None)

from api.main import run

code = run(sys.argv[2:])
loaded = [name for name in ("openvino", "nncf", "openvino_telemetry") if sys.modules.get(name)]
with open(sys.argv[1], "w") as file:
    json.dump([seen, loaded], file)
sys.exit(code)
"""


@pytest.mark.e2e
def test_a_build_in_int8_tells_nobody_and_keeps_to_its_index(fabrics: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    index = tmp_path / "index"

    def hueweave(*arguments: object) -> tuple[str, str, list[str]]:
        watched = tmp_path / "watched.json"
        done = subprocess.run(
            [sys.executable, "-c", _WATCHED, str(watched), *map(str, arguments)],
            env={**os.environ, "HOME": str(home), "HUEWEAVE_INDEX": str(index)},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        seen, loaded = json.loads(watched.read_text())
        assert seen == []
        return done.stdout, done.stderr, loaded

    out, err, loaded = hueweave(
        "build", fabrics, "--backbone", "efficientnet_lite0", "--blocks", "1-2",
        "--precision", "int8",
    )  # fmt: skip
    assert out == "100 items in the index (100 embedded)\n"
    assert "warning" not in err.lower()
    assert "nncf" not in err.lower()
    assert loaded == ["openvino", "nncf"]
    out, err, loaded = hueweave(
        "query",
        fabrics.parent / "images" / "blue-houndstooth-0.jpg",
        "--attribute",
        "color",
        "-k",
        "1",
    )
    assert "blue-houndstooth-0" in out
    assert err.startswith("more: ")
    assert err.count("\n") == 1
    assert loaded == ["openvino"]
    out, err, loaded = hueweave("info")
    assert "numbers          int8, network " in out
    assert loaded == []
    assert [*home.iterdir()] == []
