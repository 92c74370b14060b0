"""Making the derived files of a generation: segments and reference samples, from raw pools."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.catalog import Catalog
from indexer.files import digest_file, sync_folder, write_durably
from indexer.manifest import DerivedFile, Generation, Manifest
from indexer.pools import PoolStore
from indexer.segments import Segment, build_segment
from indexer.spaces import Space, iterate
from models.extraction import RawPools, Vectors

Slots = NDArray[np.int64]
SPACES = "spaces"
REFERENCE_SIZE = 4096
# Past this share of growth since the means were taken, or of deleted rows, all is made anew.
_DRIFT = 0.2


@dataclass(frozen=True)
class Workshop:
    """What derived files are made from and where they go."""

    folder: Path
    catalog: Catalog
    pools: PoolStore

    def vectors(self, space: Space, slots: Slots) -> Iterator[tuple[Slots, Vectors]]:
        """Yield (slots, (n, d) vectors) of a space in runs."""
        for run in iterate(slots):
            yield run, space.transform(self.pools.read(run, space.pools))

    def raw(self, space: Space, slots: Slots) -> Iterator[RawPools]:
        """Yield raw pools of a space in runs."""
        for run in iterate(slots):
            yield self.pools.read(run, space.pools)


def next_generation(shop: Workshop, manifest: Manifest) -> Manifest:
    """Return a manifest with a generation that covers every item, its files written and synced.

    While the catalog has not drifted, the means stay, the segments there are linked, and one
    segment with the new items is added; else means and all segments are made anew.
    """
    live = shop.catalog.live_slots()
    old = manifest.generation
    number = old.number + 1 if old else 1
    grown = old is not None and _still_fits(manifest, old, live)
    spaces = (
        manifest.spaces
        if grown
        else {n: s.with_mean(shop.raw(s, live)) for n, s in manifest.spaces.items()}
    )
    fresh = live[live >= old.slots] if old and grown else live
    segments: dict[str, list[DerivedFile]] = {}
    references: dict[str, DerivedFile] = {}
    for name, space in spaces.items():
        target = _fresh_folder(shop.folder, name, number)
        if name in manifest.indexed_spaces:
            kept = _link(shop.folder, old.segments[name], target) if old and grown else []
            segments[name] = kept + _write_segment(shop, manifest, space, fresh, target, len(kept))
        if old and grown:
            references[name] = _link(shop.folder, [old.references[name]], target)[0]
        elif space.ready:
            references[name] = _write_reference(shop, space, live, target)
        sync_folder(target)
        sync_folder(target.parent)
    generation = Generation(
        number=number,
        slots=shop.catalog.next_slot(),
        statistics_items=old.statistics_items if old and grown else len(live),
        segments=segments,
        references=references,
    )
    return manifest.with_generation(generation, spaces)


def remove_other_generations(folder: Path, manifest: Manifest) -> None:
    """Delete generations that the manifest does not name, such as those a crash left behind."""
    keep = str(manifest.generation.number) if manifest.generation else ""
    for found in (folder / SPACES).glob("*/*"):
        if found.name != keep:
            shutil.rmtree(found, ignore_errors=True)


def rebuild_segments(shop: Workshop, manifest: Manifest, name: str) -> list[Segment]:
    """Return the segments of a space made again from raw pools, with its frozen mean."""
    assert manifest.generation is not None
    live = shop.catalog.live_slots()
    covered = live[live < manifest.generation.slots]
    space = manifest.spaces[name]
    return [_build(shop, manifest, space, covered)] if len(covered) else []


def reference_vectors(shop: Workshop, space: Space, live: Slots) -> Vectors:
    """Return the (n, d) vectors of a fixed random sample of ``live``, at most REFERENCE_SIZE."""
    random = np.random.default_rng(0)
    size = min(REFERENCE_SIZE, len(live))
    chosen = np.sort(random.choice(live, size=size, replace=False))
    return space.transform(shop.pools.read(chosen, space.pools))


def is_stale(manifest: Manifest, live: Slots, next_slot: int) -> bool:
    """Return whether a new generation is due: items outside the segments, or too many gone."""
    old = manifest.generation
    if old is None:
        return len(live) > 0
    return next_slot > old.slots or _deleted(old, live) > _DRIFT


def store_segments(
    shop: Workshop, manifest: Manifest, name: str, segments: list[Segment]
) -> Manifest:
    """Write repaired segments into a space's generation; return the manifest that names them."""
    assert manifest.generation is not None
    target = shop.folder / SPACES / name / str(manifest.generation.number)
    target.mkdir(parents=True, exist_ok=True)
    files = []
    for number, segment in enumerate(segments):
        path = target / f"segment-{number}.faiss"
        segment.write(path)
        files.append(_derived(shop.folder, path))
    generation = replace(
        manifest.generation, segments={**manifest.generation.segments, name: files}
    )
    return replace(manifest, generation=generation)


def _still_fits(manifest: Manifest, old: Generation, live: Slots) -> bool:
    if old.statistics_items == 0 or set(old.segments) != set(manifest.indexed_spaces):
        return False
    growth = abs(len(live) / old.statistics_items - 1)
    return growth <= _DRIFT and _deleted(old, live) <= _DRIFT


def _deleted(generation: Generation, live: Slots) -> float:
    """Return the share of a generation's slots that hold no item any more."""
    return 1 - int((live < generation.slots).sum()) / max(generation.slots, 1)


def _build(shop: Workshop, manifest: Manifest, space: Space, slots: Slots) -> Segment:
    dimension = sum(manifest.pools[pool] for pool in space.pools)
    return build_segment(manifest.index_type, space.metric, dimension, shop.vectors(space, slots))


def _write_segment(
    shop: Workshop, manifest: Manifest, space: Space, slots: Slots, target: Path, number: int
) -> list[DerivedFile]:
    if not len(slots):
        return []
    path = target / f"segment-{number}.faiss"
    _build(shop, manifest, space, slots).write(path)
    return [_derived(shop.folder, path)]


def _write_reference(shop: Workshop, space: Space, live: Slots, target: Path) -> DerivedFile:
    path = target / "reference.npy"
    vectors = reference_vectors(shop, space, live).astype(np.float16)

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            np.save(file, vectors)

    write_durably(path, write)
    return _derived(shop.folder, path)


def _fresh_folder(folder: Path, space: str, number: int) -> Path:
    target = folder / SPACES / space / str(number)
    shutil.rmtree(target, ignore_errors=True)  # left by a build that was killed here
    target.mkdir(parents=True)
    return target


def _link(folder: Path, files: list[DerivedFile], target: Path) -> list[DerivedFile]:
    linked = []
    for file in files:
        source = folder / file.path
        path = target / source.name
        try:
            path.hardlink_to(source)
        except OSError:  # a file system without hard links
            shutil.copy2(source, path)
        linked.append(DerivedFile(path.relative_to(folder).as_posix(), file.sha256))
    return linked


def _derived(folder: Path, path: Path) -> DerivedFile:
    return DerivedFile(path.relative_to(folder).as_posix(), digest_file(path))
