"""Making the derived files of a generation: segments and reference samples, from raw pools."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from indexer.files import digest_file, sync_file, sync_folder, write_durably
from indexer.manifest import DerivedFile, Generation, Manifest, SegmentFile
from indexer.segments import Segment, halves_beside
from indexer.spaces import Slots, Space
from indexer.workshop import Workshop
from models.extraction import Vectors

SPACES = "spaces"
# Past this share of growth since the means were taken, or of deleted rows, all is made anew.
_DRIFT = 0.2
# An index that grows item by item gets its first statistics when it holds so many.
ENOUGH = 256
# Items newer than the segments are searched one by one: at most this share of all, and so many.
_NEWER_SHARE, _NEWER_MOST = 0.05, 10_000
# Each build that adds something adds a segment; past this many they are made into one.
_MAX_SEGMENTS = 16


def next_generation(
    shop: Workshop,
    manifest: Manifest,
    live: Slots,
    end: int,
    *,
    anew: bool = False,
    enough: int = 0,
) -> Manifest:
    """Return a manifest with a generation of the slots ``live``, which are all items below
    ``end``, its files written and synced.

    Unless all is to be made ``anew``, while the catalog has not drifted, means and samples stay,
    the segments there are linked (or made into one, if they have become many), and one with the
    new items is added; else all is made anew. Of fewer than ``enough`` items no means are taken in
    place of those of more.
    """
    last = None if anew else manifest.generation
    fits = last is not None and _still_fits(manifest, last, live)
    few = last is not None and len(live) < min(enough, last.statistics_items)
    frozen = last if fits or few else None
    linked = frozen if frozen and fits and not _has_many_segments(frozen) else None
    before = live[live < linked.slots] if linked else live[:0]
    live = np.concatenate([before, shop.sound(live[len(before) :])])
    spaces = manifest.spaces
    if not frozen:
        spaces = {name: shop.fitted(space, live) for name, space in spaces.items()}
    number = manifest.generation.number + 1 if manifest.generation else 1
    segments: dict[str, list[SegmentFile]] = {}
    references: dict[str, DerivedFile] = {}
    for name, space in spaces.items():
        target = _fresh_folder(shop.folder, name, number)
        if name in manifest.indexed_spaces:
            segments[name] = _write_segments(shop, manifest, space, live, target, linked)
        if space.ready:
            references[name] = _write_reference(shop, space, live, target, frozen)
        for folder in (target, target.parent, target.parent.parent):
            sync_folder(folder)
    added = int((live >= linked.slots).sum()) if linked else 0
    generation = Generation(
        number=number,
        slots=end,
        statistics_items=frozen.statistics_items if frozen else len(live),
        vectors=linked.vectors + added if linked else len(live),
        segments=segments,
        references=references,
    )
    return manifest.with_generation(generation, spaces)


def remove_other_generations(folder: Path, manifest: Manifest) -> None:
    """Delete generations that the manifest does not name, such as those a crash left behind."""
    keep = str(manifest.generation.number) if manifest.generation else ""
    for found in (folder / SPACES).glob("*/*"):
        if found.name != keep or found.parent.name not in manifest.spaces:
            shutil.rmtree(found, ignore_errors=True)


def is_stale(manifest: Manifest, live: Slots, next_slot: int) -> bool:
    """Return whether a new generation is due: items outside the segments, or too many gone."""
    old = manifest.generation
    if old is None:
        return len(live) > 0
    return next_slot > old.slots or _deleted(old, live) > _DRIFT


def is_due(manifest: Manifest, live: Slots, next_slot: int) -> bool:
    """Return whether a new generation is worth its making, in an index that grows item by item."""
    covered = manifest.generation.slots if manifest.generation else 0
    newer = int((live >= covered).sum())
    return is_due_for(manifest, len(live) - newer, newer)


def is_due_for(manifest: Manifest, covered: int, newer: int) -> bool:
    """Return the same for an index with so many items in its segments, and so many newer ones."""
    old = manifest.generation
    if old is None:
        return newer >= ENOUGH
    most = min(max(ENOUGH, _NEWER_SHARE * old.vectors), _NEWER_MOST)
    return newer >= most or (old.vectors > 0 and 1 - covered / old.vectors > _DRIFT)


def store_segments(
    shop: Workshop, manifest: Manifest, name: str, segments: list[Segment]
) -> Manifest:
    """Write repaired segments into a space's generation; return the manifest that names them."""
    generation, target = _to_repair(shop, manifest, name)
    files = []
    for number, segment in enumerate(segments):
        path = target / f"segment-{number}.faiss"
        files.append(_write_segment(shop.folder, segment, path))
    repaired = replace(generation, segments={**generation.segments, name: files})
    return replace(manifest, generation=repaired)


def store_reference(shop: Workshop, manifest: Manifest, name: str, vectors: Vectors) -> Manifest:
    """Write a space's sample, drawn again; return the manifest that names it."""
    generation, target = _to_repair(shop, manifest, name)
    file = _save_reference(shop.folder, vectors, target)
    repaired = replace(generation, references={**generation.references, name: file})
    return replace(manifest, generation=repaired)


def _to_repair(shop: Workshop, manifest: Manifest, name: str) -> tuple[Generation, Path]:
    """Return the generation there is and the folder of a space's files in it."""
    assert manifest.generation is not None
    target = _folder(shop.folder, name, manifest.generation.number)
    target.mkdir(parents=True, exist_ok=True)
    return manifest.generation, target


def _still_fits(manifest: Manifest, old: Generation, live: Slots) -> bool:
    if old.statistics_items == 0 or set(old.segments) != set(manifest.indexed_spaces):
        return False
    if old.vectors < (1 - _DRIFT) * old.statistics_items:
        return False  # most of what the means were taken from was gone then already
    growth = abs(len(live) / old.statistics_items - 1)
    return growth <= _DRIFT and _deleted(old, live) <= _DRIFT


def _has_many_segments(generation: Generation) -> bool:
    return any(len(files) >= _MAX_SEGMENTS for files in generation.segments.values())


def _deleted(generation: Generation, live: Slots) -> float:
    """Return the share of a generation's vectors that belong to no item any more."""
    return 1 - int((live < generation.slots).sum()) / max(generation.vectors, 1)


def _write_segments(
    shop: Workshop,
    manifest: Manifest,
    space: Space,
    live: Slots,
    target: Path,
    linked: Generation | None,
) -> list[SegmentFile]:
    kept = _link_segments(shop.folder, linked.segments[space.name], target) if linked else []
    slots = live[live >= linked.slots] if linked and kept else live
    if not len(slots):
        return kept
    path = target / f"segment-{len(kept)}.faiss"
    return [*kept, _write_segment(shop.folder, shop.segment(manifest, space, slots), path)]


def _write_segment(folder: Path, segment: Segment, path: Path) -> SegmentFile:
    segment.write(path)
    halves = None if segment.halves is None else _derived(folder, halves_beside(path))
    file = _derived(folder, path)
    return SegmentFile(file.path, file.sha256, halves, segment.tuning)


def _link_segments(folder: Path, files: list[SegmentFile], target: Path) -> list[SegmentFile]:
    """Take an older generation's segments over into ``target``; none if a file is missing."""
    linked = {
        Path(one.path).name: one
        for one in _link(folder, [f for one in files for f in one.files], target)
    }
    if not linked:
        return []
    return [
        replace(
            one,
            path=linked[Path(one.path).name].path,
            halves=linked[Path(one.halves.path).name] if one.halves else None,
        )
        for one in files
    ]


def _write_reference(
    shop: Workshop, space: Space, live: Slots, target: Path, frozen: Generation | None
) -> DerivedFile:
    if frozen and (kept := _link(shop.folder, [frozen.references[space.name]], target)):
        return kept[0]
    return _save_reference(shop.folder, shop.reference(space, live), target)


def _save_reference(folder: Path, vectors: Vectors, target: Path) -> DerivedFile:
    path = target / "reference.npy"

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            np.save(file, vectors.astype(np.float16))

    write_durably(path, write)
    return _derived(folder, path)


def _folder(folder: Path, space: str, number: int) -> Path:
    return folder / SPACES / space / str(number)


def _fresh_folder(folder: Path, space: str, number: int) -> Path:
    target = _folder(folder, space, number)
    shutil.rmtree(target, ignore_errors=True)  # left by a build that was killed here
    target.mkdir(parents=True)
    return target


def _link(folder: Path, files: list[DerivedFile], target: Path) -> list[DerivedFile]:
    """Take an older generation's files over into ``target``; none of them if one is missing."""
    if not all((folder / file.path).is_file() for file in files):
        return []
    linked = []
    for file in files:
        source = folder / file.path
        path = target / source.name
        try:
            path.hardlink_to(source)
        except OSError:  # a file system without hard links
            shutil.copy2(source, path)
            sync_file(path)
        linked.append(DerivedFile(path.relative_to(folder).as_posix(), file.sha256))
    return linked


def _derived(folder: Path, path: Path) -> DerivedFile:
    return DerivedFile(path.relative_to(folder).as_posix(), digest_file(path))
