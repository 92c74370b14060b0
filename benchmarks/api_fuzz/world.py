"""A server of two small indexes for generated requests, and a client with every right."""

import shutil
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from api.app import create_app
from api.urls import Addresses, item_url
from benchmarks.api_fuzz import material
from benchmarks.api_fuzz.material import Dice
from indexer.manifest import Manifest
from models.backbones import AUTO, BACKBONES
from service.bulk import LINES, line_of
from service.editing import Put
from service.errors import SettingsError
from service.indexes import Indexes
from service.keys import SCOPES
from service.keys_file import KeysFile
from service.making import Maker
from service.places import RootPlace
from service.settings import Settings, load_settings, parse_blocks
from tests.fakes import CHANNELS, manifest
from tests.roots import Recorder, make_root
from tests.serving import running

Access = Literal["open", "none", "read", "feedback", "write", "admin"]
"""Whether the server has no keys, and if it has some, the scope of the key that is sent."""
INDEXES = ("default", "other")
ACCESSES: tuple[Access, ...] = get_args(Access)


@dataclass(frozen=True)
class World:
    """A running server. ``headers`` are what requests carry, ``admin`` may do everything."""

    access: Access
    root: Path
    admin: httpx.Client
    headers: dict[str, str]
    pool: material.Pool = field(default_factory=material.Pool)

    @property
    def document(self) -> dict[str, Any]:
        """The server's OpenAPI document."""
        found: dict[str, Any] = self.admin.get("/openapi.json").json()
        return found

    def mend(self) -> None:
        """Let every item and the alias be there again, but no index that was made; get cursors and
        signed addresses."""
        for folder in self.root.iterdir():
            if folder.is_dir() and folder.name not in INDEXES:
                shutil.rmtree(folder)
        random = _careful(0)
        lines = b"".join(
            line_of(Put(key, material.picture(random), material.metadata(random)))
            for key in material.KEYS
        )
        for index in INDEXES:
            path = f"/v1/indexes/{index}/bulk"
            self._ask("POST", path, content=lines, headers={"Content-Type": LINES})
        self._ask("PUT", "/v1/aliases/shop", json={"index": "default"})
        query = {"terms": [{"attribute": "color", "image": {"key": "000.png"}}], "limit": 2}
        self.pool.cursors[:] = [self._ask("POST", "/v1/search", json=query)["next_cursor"]]
        items = [self._ask("GET", item_url("items", key)) for key in material.KEYS]
        if self.access != "open":
            for kind in ("image", "thumbnail"):
                self.pool.signed[f"/{kind}s/{{key}}"] = [
                    (item["key"], dict(parse_qsl(urlsplit(item[f"{kind}_url"]).query)))
                    for item in items
                ]

    def restore(self, named: MutableMapping[str, Any]) -> None:
        """Let the item, the alias or the judgement that a path names be there, if it can be."""
        if "alias" in named:
            self.admin.put(f"/v1/aliases/{named['alias']}", json={"index": "default"})
        elif "id" in named:
            prefix = f"/v1/indexes/{named['name']}" if "name" in named else "/v1"
            pair = {"attribute": "color", "query": {"key": "000.png"}, "hit": "001.png"}
            self.admin.post(f"{prefix}/feedback", json={"pairs": [{**pair, "same": True}]})
            listed = self.admin.get(f"{prefix}/feedback").json().get("feedback", [])
            named["id"] = listed[-1]["id"] if listed else 1
        elif (key := unquote(str(named.get("key")))) in material.KEYS:
            prefix = f"/v1/indexes/{named['name']}" if "name" in named else "/v1"
            files = {"image": material.picture(_careful(key))}
            self.admin.put(Addresses(prefix).of("items", key), files=files)

    def _ask(self, method: str, path: str, **sent: Any) -> Any:
        answer = self.admin.request(method, path, **sent)
        answer.raise_for_status()
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.json() if is_json else None


def _plan(settings: Settings) -> tuple[Manifest, None]:
    """Plan an index for the fake network, whatever backbone is asked for."""
    blocks = (1, 2, 3, 4) if settings.blocks == AUTO else parse_blocks(settings.blocks)
    if settings.backbone not in (AUTO, *BACKBONES) or max(blocks) > len(CHANNELS):
        raise SettingsError(f"backbone {settings.backbone!r} with blocks {settings.blocks}")
    made = manifest(
        preset=settings.preset,
        blocks=blocks,
        metric="l2" if settings.metric == "l2" else "cosine",
        index_type=settings.index_type,
    )
    return made, None


def _careful(number: object) -> Dice:
    dice = Dice(str(number))
    dice.careful = True
    return dice


@contextmanager
def served(folder: Path, access: Access) -> Iterator[World]:
    """Yield a server whose two indexes lie in ``folder``, which is empty."""
    root = make_root(folder, default=3, other=3)
    headers, admin = {}, {}
    settings = load_settings(root=str(root))
    if access != "open":
        file = KeysFile(folder / "keys.json")
        texts = {scope: file.create(scope, scope)[1] for scope in SCOPES}
        bearers: dict[str, dict[str, str]] = {
            scope: {"Authorization": f"Bearer {text}"} for scope, text in texts.items()
        }
        headers, admin = bearers.get(access, {}), bearers["admin"]
        settings = load_settings(root=str(root), keys=str(file.path))
    indexes = Indexes(RootPlace(root), Recorder(), Maker(settings, _plan))
    with running(create_app(settings, indexes=indexes), settings) as client:
        client.headers.update(admin)
        world = World(access, root, client, headers)
        world.mend()
        yield world
