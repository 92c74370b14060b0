"""A seeded mix of writes to an index, each noted before it is asked for and once it is done.

Run as ``python -m benchmarks.faults.mix INDEX NOTES SEED [--lanes N] [--steps N]`` it goes on until
it is killed, or for so many steps a lane. Upkeep runs beside it, and makes generations often. An
index that is not there is made.
"""

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock, Thread

import numpy as np

from indexer import generations, local
from indexer.creation import create_index, is_index
from indexer.engine import Batch, Embedded, Original
from indexer.local import LocalStore
from indexer.sources import Entry
from indexer.staging import Work
from indexer.upkeep import Upkeep
from models.extraction import RawPools
from tests.fakes import manifest

# So few that generations are made all the time.
ENOUGH, MOST_ITEMS, CONTENTS = 8, 60, 30
KINDS = {"add": 0.46, "replace": 0.13, "relabel": 0.14, "remove": 0.23, "make": 0.04}


@dataclass(frozen=True)
class Known:
    """An item as it was acknowledged: ``rows`` is the SHA-256 of its rows of pools."""

    version: int
    digest: str
    label: int
    rows: str


State = dict[str, Known]
Change = Mapping[str, Known | None]
"""What a write makes of each key; None: no item."""


def held(store: LocalStore) -> State:
    """Return what the index holds now."""
    items = list(store.items())
    slots = np.array([item.slot for item in items], np.int64)
    rows = digests(store.pools(slots, list(store.manifest.pools)), len(items))
    return {
        item.key: Known(item.version, item.digest, int(str(item.metadata["label"])), row)
        for item, row in zip(items, rows, strict=True)
    }


def digests(pools: RawPools, count: int) -> list[str]:
    """Return the SHA-256 of each of ``count`` items' rows, as they are stored."""
    stored = [np.asarray(pools[name], np.float16) for name in sorted(pools)]
    return [
        sha256(b"".join(one[at].tobytes() for one in stored)).hexdigest() for at in range(count)
    ]


class Notes:
    """A file of what is about to be done and what was done, a line each."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, lane: int, **what: object) -> None:
        """Note it: one write, so that no line is torn."""
        os.write(self._descriptor, json.dumps({"lane": lane, **what}).encode() + b"\n")


@dataclass
class Reading:
    """What notes say: writes acknowledged, in order, and one at most under way in each lane."""

    done: list[Change]
    under_way: dict[int, Change]
    made: int = 0


def read_notes(lines: Sequence[bytes]) -> Reading:
    """Return what these lines of notes say."""
    found = Reading([], {})
    for line in lines:
        note = json.loads(line)
        if "will" in note:
            will = {key: Known(**one) if one else None for key, one in note["will"].items()}
            found.under_way[note["lane"]] = will
        elif "did" in note:
            found.done.append(found.under_way.pop(note["lane"]))
        else:
            found.made += 1
    return found


def applied(state: State, change: Change) -> State:
    """Return ``state`` after a write."""
    both = {**state, **change}
    return {key: one for key, one in both.items() if one is not None}


class Lane:
    """One thread's writes, to keys of its own; pictures are shared with the others."""

    def __init__(self, store: LocalStore, notes: Notes, lane: int, seed: int) -> None:
        self._store, self._notes, self._lane = store, notes, lane
        self._rng = np.random.default_rng([seed, lane])
        mine = {key: one for key, one in held(store).items() if key.startswith(f"{lane}/")}
        self._state: State = mine

    def step(self) -> None:
        """Do one write, or let a generation be made."""
        kind = str(self._rng.choice(list(KINDS), p=list(KINDS.values())))
        if len(self._state) > MOST_ITEMS and kind == "add":
            kind = "remove"
        if kind == "make":
            self._make()
        elif kind == "add":
            count = int(self._rng.integers(1, 5))
            self.add([f"{self._lane}/{self._rng.integers(10**9)}" for _ in range(count)])
        elif self._state:
            some = min(len(self._state), int(self._rng.integers(1, 6)))
            keys = [str(key) for key in self._rng.choice(sorted(self._state), some, replace=False)]
            {"replace": self.add, "relabel": self.relabel, "remove": self.remove}[kind](keys)

    def _make(self) -> None:
        self._store.rebuild() if self._rng.random() < 0.3 else self._store.checkpoint()
        self._notes.write(self._lane, made=True)

    def add(self, keys: list[str], size: int | None = None) -> None:
        """Add or replace items, with pictures that others have, too, or of their own in ``size``
        bytes."""
        label = int(self._rng.integers(1000))
        pools = {
            name: self._rng.random((len(keys), width)).astype(np.float32)
            for name, width in self._store.manifest.pools.items()
        }
        pictures = [self._picture(size) for _ in keys]
        embedded = [
            _embedded(key, picture, label) for key, picture in zip(keys, pictures, strict=True)
        ]
        change = {
            one.work.entry.key: Known(self._version(one.work.entry.key), one.digest, label, rows)
            for one, rows in zip(embedded, digests(pools, len(keys)), strict=True)
        }
        self._noted(change, lambda: self._store.add(Batch(embedded, (), pools)))

    def _picture(self, size: int | None) -> bytes:
        if size is None:
            return f"picture {self._rng.integers(CONTENTS)}".encode() * 50
        return self._rng.bytes(size)

    def _version(self, key: str) -> int:
        return self._state[key].version + 1 if key in self._state else 1

    def relabel(self, keys: list[str]) -> None:
        """Give items another label."""
        label = int(self._rng.integers(1000))
        change = {key: Known(**{**asdict(self._state[key]), "label": label}) for key in keys}
        self._noted(change, lambda: self._store.relabel({key: {"label": label} for key in keys}))

    def remove(self, keys: list[str]) -> None:
        """Remove items."""
        self._noted(dict.fromkeys(keys), lambda: self._store.remove(keys))

    def _noted(self, change: Change, write: Callable[[], object]) -> None:
        will = {key: asdict(one) if one else None for key, one in change.items()}
        self._notes.write(self._lane, will=will)
        write()
        self._notes.write(self._lane, did=True)
        self._state = applied(self._state, change)


def _embedded(key: str, picture: bytes, label: int) -> Embedded:
    work = Work(Entry(key, Path("sent", key), {"label": label}), len(picture), 0)
    return Embedded(work, sha256(picture).hexdigest(), len(picture), (), Original(picture, ".png"))


def new_index(folder: Path) -> Path:
    """Make an empty index for the mix."""
    create_index(folder, manifest())
    with closing(LocalStore(folder)) as store:
        store.put_columns({"label": "integer"}, ["label"])
    return folder


def often() -> None:
    """Let generations be made after a few items in this process."""
    generations.ENOUGH = local.ENOUGH = ENOUGH
    generations._MAX_SEGMENTS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("notes", type=Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10**9)
    given = parser.parse_args()
    often()
    notes = Notes(given.notes)
    if not is_index(given.index):
        new_index(given.index)
        notes.write(0, made=True)
    store = LocalStore(given.index)
    store.view()
    upkeep = Upkeep(store)
    upkeep.start()
    lanes = [Lane(store, notes, lane, given.seed) for lane in range(given.lanes)]
    failed = Lock()

    def go(lane: Lane) -> None:
        try:
            for _ in range(given.steps):
                lane.step()
        except BaseException:
            failed.acquire(blocking=False)
            raise

    threads = [Thread(target=go, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    upkeep.close()
    store.close()
    if failed.locked():
        raise SystemExit("a lane failed")


if __name__ == "__main__":
    main()
