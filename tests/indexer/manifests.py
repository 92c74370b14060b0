"""A manifest that has everything."""

from dataclasses import replace

from indexer.manifest import DerivedFile, Generation, Manifest
from tests.fakes import manifest


def full() -> Manifest:
    """A manifest with a mean that floats cannot hold shortly, and a generation."""
    made = manifest()
    spaces = {n: replace(s, mean=(0.1 + 0.2, 1 / 3, 2.0**-140)) for n, s in made.spaces.items()}
    file = DerivedFile("spaces/block1-foreground/3/segment-0.faiss", "0" * 64)
    generation = Generation(
        3, 70, 60, 65, {name: [file, file] for name in made.indexed_spaces}, {"block1-gap": file}
    )
    return replace(made.with_generation(generation, spaces), identity="1d" * 16)
