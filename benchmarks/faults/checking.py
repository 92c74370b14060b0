"""An index after a fault, held against what was acknowledged before it."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from benchmarks.faults.mix import Change, State, applied, held
from indexer.local import LocalStore
from indexer.media import MEDIA
from service.verify import verify


def survivors(
    folder: Path, acknowledged: State, under_way: Sequence[Change]
) -> tuple[State, list[str]]:
    """Return what an index holds, and all that is wrong with it: acknowledged writes that are
    lost, writes under way that are there in part, originals too few or too many, items that are
    not found as their own nearest, and whatever `verify` says.
    """
    with closing(LocalStore(folder)) as store:
        expected, problems = _settled(held(store), acknowledged, under_way)
        problems += _left_over(folder, expected, acknowledged, under_way)
        problems += _lost_in_search(store)
        store.sweep()
        problems += _left_over(folder, expected, expected, ())
        problems += [f"verify: {line}" for line in verify(folder, pictures=True)]
        return held(store), problems


def _settled(
    found: State, acknowledged: State, under_way: Sequence[Change]
) -> tuple[State, list[str]]:
    """Return what there should be, each write under way being there or not, whichever it is."""
    expected = acknowledged
    for change in under_way:
        after = applied(expected, change)
        if all(found.get(key) == after.get(key) for key in change):
            expected = after
    keys = sorted(found.keys() | expected.keys())
    return expected, [
        f"{key!r} is {found.get(key)}, expected {expected.get(key)}"
        for key in keys
        if found.get(key) != expected.get(key)
    ]


def _left_over(
    folder: Path, expected: State, acknowledged: State, under_way: Sequence[Change]
) -> Iterator[str]:
    """Yield originals that are missing, or there though no write under way explains it."""
    there = {path.name for path in folder.glob(f"{MEDIA}/*/*")}
    needed = {f"{one.digest}.png" for one in expected.values()}
    touched = {one.digest for change in under_way for one in change.values() if one}
    touched |= {acknowledged[k].digest for c in under_way for k in c if k in acknowledged}
    allowed = {f"{digest}.png" for digest in touched}
    allowed |= {f".{name}.partial" for name in allowed}
    yield from (f"original {name} is lost" for name in needed - there)
    yield from (f"original {name} is left over" for name in there - needed - allowed)


def _lost_in_search(store: LocalStore) -> Iterator[str]:
    view = store.view(newest=True)
    slots = store.catalog.live_slots()
    if not np.array_equal(view.slots, slots):
        yield f"the view has slots {view.slots.tolist()}, the catalog {slots.tolist()}"
        return
    for name, space in view.manifest.spaces.items():
        queries = view.vectors(space, slots)
        for slot, match in zip(slots.tolist(), view.search(space, queries, 1), strict=True):
            if match.slots.tolist() != [slot]:
                yield f"slot {slot} finds {match.slots.tolist()} in {name}"
