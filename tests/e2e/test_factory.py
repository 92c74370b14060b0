"""The app as other servers start it: from a factory, with what the environment names."""

import asyncio
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from indexer.errors import IndexFolderError
from service.settings import load_settings

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
QUERY = {"terms": [{"attribute": "color", "image": {"key": "images/red-dots-0.jpg"}}], "limit": 1}


def test_index_and_network_are_loaded_when_the_app_starts_and_not_before(
    fabric_index: Path, fabrics: Path
) -> None:
    app = create_app(load_settings(index=str(fabric_index)))
    picture = (fabrics.parent / "images" / "red-dots-0.jpg").read_bytes()

    async def ask() -> list[int | str]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            found: list[int | str] = [(await client.get("/readyz")).status_code]
            async with app.router.lifespan_context(app):
                while (await client.get("/readyz")).status_code != 200:
                    await asyncio.sleep(0)
                answer = await client.post(
                    "/v1/search/image", files={"image": picture}, data={"attribute": "color"}
                )
                found.append(answer.json()["hits"][0]["key"])
            return [*found, (await client.get("/readyz")).status_code]

    assert asyncio.run(ask()) == [503, "images/red-dots-0.jpg", 503]


def test_app_whose_index_is_not_there_does_not_start(tmp_path: Path) -> None:
    app = create_app(load_settings(index=str(tmp_path / "none")))

    async def start() -> None:
        async with app.router.lifespan_context(app):
            raise AssertionError("it started")

    with pytest.raises(IndexFolderError, match="no index at"):
        asyncio.run(start())


def address(process: subprocess.Popen[bytes]) -> str:
    """Read what the server says until it says where it listens."""
    assert process.stderr is not None
    said, deadline = b"", time.monotonic() + PATIENCE_S
    while not (found := re.search(rb"(?:running|listening) on (http://[\d.:]+)", said)):
        left = deadline - time.monotonic()
        ready, _, _ = select.select([process.stderr], [], [], max(left, 0))
        chunk = os.read(process.stderr.fileno(), 4096) if ready else b""
        assert chunk, f"no address was told: {said.decode()}"
        said += chunk
    return found[1].decode()


def ready(client: httpx.Client) -> None:
    """Return once the server says that it is ready."""
    deadline = time.monotonic() + PATIENCE_S
    while (answer := client.get("/readyz")).status_code != 200:
        assert answer.json()["detail"] == "the index is being loaded"
        assert time.monotonic() < deadline
    assert answer.json() == {"status": "ready"}


SERVERS = {
    "uvicorn": ["-m", "uvicorn", "--factory", "api.app:create_app", "--port", "0"],
    "hueweave": ["-c", "from api.main import main; main()", "serve", "--port", "0"],
}
"""Each with the arguments that start it on a free port."""


@pytest.mark.parametrize("name", SERVERS)
def test_server_serves_what_the_environment_names_and_ends_when_interrupted(
    name: str, fabric_index: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, *SERVERS[name]],
        cwd=ROOT,
        env={**os.environ, "HUEWEAVE_INDEX": str(fabric_index)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=address(process), timeout=30) as client:
            ready(client)
            hits = client.post("/v1/search", json=QUERY).json()["hits"]
            assert hits[0]["key"] == "images/red-dots-0.jpg"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode in ((0,) if name == "hueweave" else (0, -signal.SIGINT))
    assert b"Traceback" not in said
