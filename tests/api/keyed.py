"""A server with keys, one of each scope, and clients that send them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from service.keys import SCOPES
from service.keys_file import KeysFile
from service.opening import Opened
from service.settings import load_settings
from tests.serving import serving


@dataclass(frozen=True)
class Keyed:
    """A running server, its keys file, and the text of a key by scope."""

    client: httpx.Client
    file: KeysFile
    keys: dict[str, str]

    def ask(self, method: str, path: str, scope: str | None = None, **sent: Any) -> httpx.Response:
        """Ask with the key of a scope, or with none."""
        headers = {**sent.pop("headers", {}), **({} if scope is None else self.bearer(scope))}
        return self.client.request(method, path, headers=headers, **sent)

    def bearer(self, scope: str) -> dict[str, str]:
        """Return the header that sends the key of a scope."""
        return {"Authorization": f"Bearer {self.keys[scope]}"}


@contextmanager
def keyed_server(opened: Opened, folder: Path, **settings: Any) -> Iterator[Keyed]:
    """Yield a server over ``opened`` whose keys file lies in ``folder``."""
    file = KeysFile(folder / "keys.json")
    keys = {scope: file.create(scope, scope)[1] for scope in SCOPES}
    with serving(opened, load_settings(keys=str(file.path), **settings)) as client:
        yield Keyed(client, file, keys)


def is_refusal(answer: httpx.Response, status: int, words: str, challenge: str) -> None:
    """Check for a problem document that says which key is wanted."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]
    assert answer.headers["www-authenticate"].startswith('Bearer realm="hueweave"')
    assert challenge in answer.headers["www-authenticate"]
