"""Vectors in half precision: rows of one length in a file that is mapped, not read.

They rank again what coarser codes have found. The file is nothing but the rows, little-endian
float16, so it can be looked into by whatever maps files; FAISS computes in it where it lies.
"""

import errno
import tempfile
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.errors import IndexFolderError
from indexer.files import write_durably

Halves = NDArray[np.float16]
_TYPE = np.dtype("<f2")


def room_for(folder: Path, rows: int, width: int) -> Halves:
    """Return a writable (rows, width) array on a nameless file in ``folder``, or in memory where
    nothing can be written."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return np.memmap(file, _TYPE, "w+", shape=(rows, width))
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        return np.empty((rows, width), _TYPE)


def write_halves(path: Path, rows: Halves) -> None:
    """Write ``rows`` to ``path``, durably."""

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            rows.tofile(file)

    write_durably(path, write)


def map_halves(path: Path, rows: int, width: int) -> Halves:
    """Return the (rows, width) vectors in a file; raises IndexFolderError for another size."""
    try:
        if path.stat().st_size == rows * width * _TYPE.itemsize:
            return np.memmap(path, _TYPE, "r", shape=(rows, width))
    except OSError as error:
        raise IndexFolderError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    raise IndexFolderError(f"{str(path)!r} is damaged: it does not hold {rows} rows of {width}")


def as_index(rows: Halves, metric: int) -> faiss.IndexScalarQuantizer:
    """Return a FAISS index whose codes are ``rows`` themselves, which must stay alive."""
    index = faiss.IndexScalarQuantizer(rows.shape[1], faiss.ScalarQuantizer.QT_fp16, metric)
    view = faiss.MaybeOwnedVectorUInt8.create_view(
        faiss.swig_ptr(rows.view(np.uint8)), rows.nbytes, index.codes.owner
    )
    index.codes, index.ntotal = view, len(rows)
    return index
