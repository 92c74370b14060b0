"""Bytes that flip in an index's files: ``python -m benchmarks.faults.flips``.

One byte at a time, at random places in each kind of file. What is asked is that `verify` names it,
or else that nothing it holds is another than before: there are bytes nobody reads.
"""

import argparse
import json
import logging
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from indexer.local import LocalStore
from models.errors import HueweaveError
from service.verify import verify

log = logging.getLogger(__name__)

KINDS = {
    "segment": "spaces/*/*/segment-*.faiss",
    "sample": "spaces/*/*/reference.npy",
    "pools": "pools/*",
    "manifest": "manifest.json",
    "catalog": "catalog.sqlite",
    "original": "media/*/*",
}


def flip(path: Path, position: int, mask: int) -> None:
    """Change the bits of one byte that ``mask`` names."""
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ mask]))


def flips(index: Path, kind: str, count: int, seed: int) -> Iterator[tuple[Path, int, int]]:
    """Yield so many flips in files of a kind: which, where and of which bits."""
    rng = random.Random(f"{seed} {kind}")
    files = sorted(path for path in index.glob(KINDS[kind]) if path.is_file())
    sizes = [path.stat().st_size for path in files]
    for path in rng.choices(files, sizes, k=count):
        yield path, rng.randrange(path.stat().st_size), 1 << rng.randrange(8)


def everything(index: Path) -> dict[str, object]:
    """Return all that an index holds and answers, once it is opened."""
    with closing(LocalStore(index)) as store:
        view, items = store.view(), list(store.items())
        slots = np.array(sorted(item.slot for item in items), np.int64)
        found: dict[str, object] = {
            "manifest": store.manifest,
            "items": items,
            "failures": store.failures(),
            "columns": store.columns(),
            "next slot": store.catalog.next_slot(),
            "originals": [store.locate(item).read_bytes() for item in items],
        }
        for name, rows in store.pools(slots, list(store.manifest.pools)).items():
            found[f"pools {name}"] = rows.tobytes()
        for name, space in view.manifest.spaces.items():
            matches = view.search(space, view.vectors(space, slots), 3)
            found[f"search {name}"] = [(m.slots.tolist(), m.similarities.tolist()) for m in matches]
            found[f"sample {name}"] = view.reference(space).tobytes()
        return found


def named(index: Path) -> list[str]:
    """Return what `verify` says, or the error that it ends with."""
    try:
        return list(verify(index, pictures=True))
    except (HueweaveError, OSError) as error:
        return [str(error)]


def outcome(index: Path, expected: dict[str, object]) -> str:
    """Return what became of an index with a flipped byte.

    "named", and "healed" too if all it answers is as before once it is opened; "harmless" if nobody
    notices; "wrong" if only its answers show it, "refused" if only an error of ours does, and
    "crashed" if it is none of ours.
    """
    is_named = bool(named(index))
    try:
        same = everything(index) == expected
    except (HueweaveError, OSError) as error:
        if not is_named:
            log.warning("%s", error)
        return "named" if is_named else "refused"
    except Exception:
        log.exception("no error of ours")
        return "crashed"
    if is_named:
        return "named and healed" if same and not named(index) else "named"
    return "harmless" if same else "wrong"


def main() -> None:
    from benchmarks.faults.kill import run_and_kill
    from benchmarks.faults.mix import new_index

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=200, help="of each kind of file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS, action="append", help="all if left out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        index, began = new_index(Path(folder, "index")), time.monotonic()
        run_and_kill(index, Path(folder, "notes"), random.Random(6), given.seed)
        with closing(LocalStore(index)) as store:
            store.rebuild()
            store.sweep()
        expected = everything(index)
        for kind in given.kind or KINDS:
            found: Counter[str] = Counter()
            for path, position, mask in flips(index, kind, given.flips, given.seed):
                copy = Path(folder, "copy")
                shutil.copytree(index, copy)
                flip(copy / path.relative_to(index), position, mask)
                found[what := outcome(copy, expected)] += 1
                if what in ("wrong", "refused", "crashed"):
                    print(f"{path.relative_to(index)} byte {position} mask {mask}: {what}")
                shutil.rmtree(copy)
            seconds = round(time.monotonic() - began, 1)
            print(json.dumps({"kind": kind, **found, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
