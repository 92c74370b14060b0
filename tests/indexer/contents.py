"""What an index holds, to compare two of them."""

from pathlib import Path

from indexer.local import LocalStore


def contents(index: Path) -> dict[str, object]:
    """All that must not depend on how a build went: items without their times, files by digest."""
    store = LocalStore(index)
    generation = store.manifest.generation
    assert generation is not None
    found = {
        "items": [(i.key, i.version, i.slot, i.digest, i.metadata) for i in store.items()],
        "failures": store.failures(),
        "pools": {path.name: path.read_bytes() for path in sorted((index / "pools").iterdir())},
        "segments": {
            name: [file.sha256 for file in files] for name, files in generation.segments.items()
        },
        "references": {name: file.sha256 for name, file in generation.references.items()},
        "spaces": store.manifest.spaces,
        "slots": (generation.slots, generation.vectors, generation.statistics_items),
    }
    store.close()
    return found
