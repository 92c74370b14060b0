"""Manifests that have everything."""

from dataclasses import replace
from typing import Any

import numpy as np

from indexer.branches import Affine
from indexer.manifest import DerivedFile, Generation, Manifest, SegmentFile
from indexer.spaces import Space
from indexer.tuning import Tuning
from tests.fakes import manifest

# Floats that cannot be written shortly in tens.
ODD = (0.1 + 0.2, 1 / 3, 2.0**-140)


def full(metric: str = "cosine") -> Manifest:
    """A manifest with numbers in every layer, and a generation."""
    made = manifest(metric=metric)  # type: ignore[arg-type]
    spaces = {name: _filled(space, made) for name, space in made.spaces.items()}
    file = DerivedFile(f"spaces/{made.attributes['color']}/3/vectors-0.f16", "0" * 64)
    tuning = Tuning("IVF1264,RaBitQ", 32, 150, 0.9712)
    tuned, plain = SegmentFile("segment-0", "1" * 64, file, tuning), SegmentFile("s", "2" * 64)
    generation = Generation(
        3, 70, 60, 65, {name: [tuned, plain] for name in made.indexed_spaces}, {"block1-gap": file}
    )
    return replace(made.with_generation(generation, spaces), identity="1d" * 16)


def of_schema_3(document: dict[str, Any]) -> dict[str, Any]:
    """A document of a manifest by distances as it was when spaces had one branch a pool."""
    made = full("l2")
    spaces = {
        name: {
            "name": name,
            "pools": [str(pool) for pool in space.pools],
            "root": bool(space.branches[0].rooted),
            "centre": space.branches[0].method == "centred",
            "metric": space.metric,
            "mean": [float(value) for layer in space.layers for value in layer.shift],
        }
        for name, space in made.spaces.items()
    }
    return {**document, "spaces": spaces, "schema_version": 3}


def _filled(space: Space, made: Manifest) -> Space:
    branches = []
    for branch in space.branches:
        input = sum(made.pools[pool] for pool in branch.pools)
        layers = [Affine(np.resize(np.float32(ODD), input))]
        if branch.method == "whitened":
            matrix = np.resize(np.float32(ODD), (input, branch.width))
            layers.append(Affine(np.resize(np.float32(ODD), input), matrix))
        branches.append(replace(branch, layers=tuple(layers)))
    return replace(space, branches=tuple(branches))
