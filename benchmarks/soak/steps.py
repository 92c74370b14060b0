"""What a client does, one step at random after the other, and what has to come of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.soak.calls import check
from benchmarks.soak.catalog import Known, merged
from benchmarks.soak.questions import Questions
from service.bulk import LINES, Change, Patch, Remove, line_of
from service.editing import Put

_FEW, _MANY = 8, 40
_WEIGHTS = {
    "add": 12, "replace": 6, "patch": 8, "delete": 11, "bulk": 4, "refuse": 2,
    "search_by_key": 12, "search_by_picture": 10, "search_all": 6, "page": 3, "facets": 6,
    "get": 6, "list_items": 3, "image": 6, "thumbnail": 4, "explain": 1, "reload": 2,
}  # fmt: skip
"""How often each step is taken, out of 100 or so."""
_STATUSES = {"put": 201, "patch": 200, "delete": 204, "wrong": 404}


@dataclass(frozen=True)
class Steps(Questions):
    """One client: its part of the catalog, and how it asks.

    ``seen`` is told the keys of what it wrote.
    """

    seen: Callable[[str], None] = lambda key: None

    def take(self) -> None:
        """Take one step; raises WrongAnswerError."""
        if len(self.part.items) < _FEW:
            self.bulk(growing=True)
            return
        names = [name for name in _WEIGHTS if name != "add" or len(self.part.items) < _MANY]
        weights = [_WEIGHTS[name] for name in names]
        [name] = self.part.random.choices(names, weights)
        getattr(self, name)()

    def add(self) -> None:
        """Put a new item, which is then the nearest to its own picture."""
        self._put(self.part.new_key(), 201)

    def replace(self) -> None:
        """Put another picture and metadata under a key."""
        self._put(self.part.some_key(), 200)

    def patch(self) -> None:
        """Change metadata; the very next search has it."""
        key, changes = self.part.some_key(), self.part.changes()
        known = self.part.items[key]
        answer = self.caller.ask_of("PATCH", "items", key, 200, json=changes).json()
        metadata = merged(known.metadata, changes)
        check(answer["metadata"] == metadata, f"patched {key!r} is {answer}, expected {metadata}")
        self._remember(key, Known(known.data, metadata, answer["version"]))
        self.search_by_key()

    def delete(self) -> None:
        """Remove an item, which nothing then finds."""
        key = self.part.some_key()
        self.caller.ask_of("DELETE", "items", key, 204)
        self.part.forget(key)
        self.seen(key)
        self.caller.ask_of("GET", "items", key, 404)
        self.caller.ask_of("GET", "images", key, 404)
        self.search_by_key()

    def refuse(self) -> None:
        """Ask for changes on conditions that do not hold; nothing changes."""
        key = self.part.some_key()
        files = {"image": self.part.picture()}
        for headers in ({"If-None-Match": "*"}, {"If-Match": '"another"'}):
            self.caller.ask_of("PUT", "items", key, 412, files=files, headers=headers)
        self.caller.ask_of("PUT", "items", key, 422, files={"image": b"no picture"})
        self.get()

    def bulk(self, *, growing: bool = False) -> None:
        """Change several items in one request, each at most once."""
        part, lines, expected = self.part, [], []
        after: dict[str, Known | None] = {}
        for _ in range(part.random.randint(2, 10)):
            untouched = sorted(part.items.keys() - after.keys())
            kinds = tuple(_STATUSES) if untouched and not growing else ("put",)
            kind = part.random.choice(kinds)
            key, change, made = self._one_of_many(kind, untouched)
            lines.append(line_of(change))
            expected.append(_STATUSES[kind])
            if kind != "wrong":
                after[key] = made
        headers = {"Content-Type": LINES}
        answer = self.caller.ask("POST", "/v1/bulk", 200, content=b"".join(lines), headers=headers)
        found = [json.loads(line)["status"] for line in answer.text.splitlines()]
        check(found == expected, f"bulk: {answer.text}, expected {expected}")
        for key, made in after.items():
            if made is None:
                part.forget(key)
            else:
                view = self.caller.ask_of("GET", "items", key, 200).json()
                check(view["metadata"] == made.metadata, f"bulk left {key!r} as {view}")
                part.items[key] = replace(made, version=view["version"])
        for key in after:
            self.seen(key)
        self.search_by_key()

    def _one_of_many(self, kind: str, untouched: list[str]) -> tuple[str, Change, Known | None]:
        """Return a key, what is asked for it, and what that makes of it."""
        part = self.part
        if kind == "wrong":
            return "", Remove(f"{part.owner}/none"), None
        if kind == "put":
            known = Known(part.picture(), part.metadata(), 1)
            key = part.new_key()
            return key, Put(key, known.data, known.metadata), known
        key = part.random.choice(untouched)
        if kind == "delete":
            return key, Remove(key), None
        known, changes = part.items[key], part.changes()
        made = replace(known, metadata=merged(known.metadata, changes))
        return key, Patch(key, changes), made

    def _put(self, key: str, expected: int) -> None:
        data, metadata = self.part.picture(), self.part.metadata()
        files = {"image": ("a.png", data, "image/png")}
        form = {"metadata": json.dumps(metadata)}
        answer = self.caller.ask_of("PUT", "items", key, expected, files=files, data=form).json()
        check(answer["metadata"] == metadata, f"put {key!r} is {answer}, expected {metadata}")
        self._remember(key, Known(data, metadata, answer["version"]))
        query = self.query({"part": "a"})
        sent = {"query": (None, json.dumps(query), "application/json"), "a": files["image"]}
        hits = self.check_hits(self.caller.ask("POST", "/v1/search", 200, files=sent), None)
        check(hits[0] == key, f"nearest to the picture of {key!r} is {hits[0]!r}")

    def _remember(self, key: str, known: Known) -> None:
        self.part.items[key] = known
        self.seen(key)
