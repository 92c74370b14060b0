"""An index in int8: its network is calibrated on the first pictures that it will hold."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from indexer.errors import BuildFailedError
from indexer.manifest import Manifest
from indexer.sources import Source
from models.errors import PictureError
from models.images import Limits, decode, read_picture
from models.loading import Loaded
from models.preprocess import Pixels, Preprocess, to_square
from models.quantizing import CALIBRATION, quantize

# Of a source that begins with what cannot be read, so many are tried.
_TRIED = 10 * CALIBRATION


def quantized(
    manifest: Manifest, loaded: Loaded, source: Source, limits: Limits
) -> tuple[Manifest, Loaded, bytes]:
    """Return the manifest of an empty index, and its network, in int8, and that network's file.

    Raises BuildFailedError if none of the first pictures of ``source`` can be read.
    """
    squares = list(islice(_squares(source, loaded.recipe.preprocess, limits), CALIBRATION))
    if not squares:
        raise BuildFailedError(
            f"none of the first {_TRIED} pictures could be read, so int8 has nothing to be "
            "calibrated on"
        )
    made, data = quantize(loaded, np.stack(squares))
    return replace(manifest, recipe=made.recipe), made, data


def _squares(source: Source, preprocess: Preprocess, limits: Limits) -> Iterator[Pixels]:
    for entry in islice(source.entries(), _TRIED):
        if entry.problem:
            continue
        try:
            data = read_picture(entry.path, limits)
            yield to_square(decode(data, limits, preprocess.decode_at_least), preprocess)
        except PictureError:
            continue
