"""Questions a client asks, whose answers it knows."""

import io
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image

from benchmarks.soak.calls import Caller, check
from benchmarks.soak.catalog import Known, Metadata, Part

_LIMIT = 200
_ATTRIBUTES = ("color", "texture")


@dataclass(frozen=True)
class Questions:
    """One client's questions about its part of the catalog. Each raises WrongAnswerError."""

    part: Part
    caller: Caller

    def search_by_key(self) -> None:
        """All of the client's own items are found, as they are, and no other."""
        if self.part.items:
            self.expect({"key": self.part.some_key()}, self.part.items)

    def search_by_picture(self) -> None:
        """A search for those of some price finds those."""
        most = self.part.random.randint(0, 99)
        low = {k: v for k, v in self.part.items.items() if v.metadata["price"] <= most}
        picture = {"image": ("a.png", self.part.picture(), "image/png")}
        condition = {"and": [self.own(), {"column": "price", "lte": most}]}
        form = {"attribute": "color", "limit": _LIMIT, "filter": json.dumps(condition)}
        answer = self.caller.ask("POST", "/v1/search/image", 200, files=picture, data=form)
        self.check_hits(answer, low)

    def search_all(self) -> None:
        """Among the hits of everybody none is one that was removed, and the own are as they are."""
        query = {**self.query({"key": self.part.some_key()}), "filter": {}, "limit": 50}
        for hit in self.caller.ask("POST", "/v1/search", 200, json=query).json()["hits"]:
            if hit["key"].startswith(self.part.owner + "/"):
                known = self.part.items.get(hit["key"])
                check(known is not None, f"{hit['key']!r} was removed and is found")
                check(known is not None and hit["metadata"] == known.metadata, f"stale {hit}")

    def page(self) -> None:
        """All pages together have each of the own items once."""
        query: dict[str, Any] = {**self.query({"key": self.part.some_key()}), "limit": 7}
        found: list[str] = []
        while True:
            answer = self.caller.ask("POST", "/v1/search", 200, json=query).json()
            found += [hit["key"] for hit in answer["hits"]]
            if answer["next_cursor"] is None:
                break
            query = {"cursor": answer["next_cursor"], "limit": 7}
        check(sorted(found) == sorted(self.part.items), f"pages have {sorted(found)}")

    def facets(self) -> None:
        """Each value is counted as often as the own items have it."""
        params = {"filter": json.dumps(self.own()), "column": ["kind", "price"], "limit": 1000}
        answer = self.caller.ask("GET", "/v1/facets", 200, params=params).json()
        for column in answer["columns"]:
            counted = {one["value"]: one["count"] for one in column["values"]}
            true = Counter(k.metadata[column["column"]] for k in self.part.items.values())
            check(counted == true, f"facets of {self.part.owner}: {column}, expected {true}")

    def get(self) -> None:
        """An item is as it was acknowledged."""
        key = self.part.some_key()
        known, view = self.part.items[key], self.caller.ask_of("GET", "items", key, 200).json()
        same = (view["metadata"], view["version"]) == (known.metadata, known.version)
        check(same and view["size"] == len(known.data), f"{view}, expected {known}")

    def list_items(self) -> None:
        """A list of keys has all of the own in order."""
        found: list[str] = []
        after: str | None = f"{self.part.owner}/"
        while after is not None and after.startswith(f"{self.part.owner}/"):
            params = {"after": after, "limit": "11"}
            answer = self.caller.ask("GET", "/v1/items", 200, params=params).json()
            found += [item["key"] for item in answer["items"]]
            after = answer["next"]
        own = [key for key in found if key.startswith(f"{self.part.owner}/")]
        check(own == sorted(self.part.items), f"listed are {own}")

    def image(self) -> None:
        """A picture is what was put, byte for byte, and is not sent to those who have it."""
        key = self.part.some_key()
        answer = self.caller.ask_of("GET", "images", key, 200)
        check(answer.content == self.part.items[key].data, f"the picture of {key!r} is another")
        headers = {"If-None-Match": answer.headers["etag"]}
        self.caller.ask_of("GET", "images", key, 304, headers=headers)

    def thumbnail(self) -> None:
        """A thumbnail is a WebP."""
        answer = self.caller.ask_of("GET", "thumbnails", self.part.some_key(), 200)
        with Image.open(io.BytesIO(answer.content)) as image:
            check(image.format == "WEBP", f"a thumbnail is {image.format}")

    def explain(self) -> None:
        """An item is most like itself, and why is said."""
        key = self.part.some_key()
        asked = {"query": self.query({"key": key}), "key": key}
        hit = self.caller.ask("POST", "/v1/explain", 200, json=asked).json()
        check(hit["key"] == key and hit["why"] is not None, f"explained is {hit['key']!r}")

    def reload(self) -> None:
        """Reloading changes nothing that is there."""
        self.caller.ask("POST", "/v1/index/reload", 200)
        self.search_by_key()

    def expect(self, image: Metadata, expected: dict[str, Known]) -> None:
        answer = self.caller.ask("POST", "/v1/search", 200, json=self.query(image))
        self.check_hits(answer, expected)

    def query(self, image: Metadata) -> dict[str, Any]:
        attribute = self.part.random.choice(_ATTRIBUTES)
        terms = [{"attribute": attribute, "image": image}]
        return {"terms": terms, "filter": self.own(), "limit": _LIMIT}

    def own(self) -> Metadata:
        return {"column": "owner", "eq": self.part.owner}

    def check_hits(self, answer: httpx.Response, expected: dict[str, Known] | None) -> "list[str]":
        """Check that hits are exactly the items expected (None: all own), each as it is."""
        items = self.part.items if expected is None else expected
        found = {hit["key"]: hit["metadata"] for hit in answer.json()["hits"]}
        true = {key: known.metadata for key, known in items.items()}
        if found != true:
            lost, extra = true.keys() - found.keys(), found.keys() - true.keys()
            stale = {key for key in found.keys() & true.keys() if found[key] != true[key]}
            check(False, f"lost {lost}, too many {extra}, stale {stale}")
        return [hit["key"] for hit in answer.json()["hits"]]
