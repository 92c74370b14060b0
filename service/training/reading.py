"""Labelled pictures as squares: read once to see which can be, then kept as far as they fit."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Self

import numpy as np

from indexer.sources import Entry
from models.errors import PictureError
from models.images import Limits, decode, read_picture
from models.preprocess import Pixels, Preprocess, to_square
from models.training.split import Indices

KEPT_BYTES = 1 << 30
"""How much memory squares may take; those past it are read again whenever they are asked for."""
_CHUNK = 64


@dataclass(frozen=True)
class Reading:
    """``rows`` are the entries that could be read; ``failures`` are keys and reasons of the
    others; ``digest`` is the SHA-256 of the files read, in order."""

    rows: tuple[int, ...]
    failures: tuple[tuple[str, str], ...]
    digest: str


class Squares:
    """The squares of entries by row. Close it to let go of its threads."""

    def __init__(
        self,
        entries: Sequence[Entry],
        size: int,
        limits: Limits,
        threads: int | None = None,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self._entries, self._limits = entries, limits
        self._preprocess = Preprocess(size=size)
        self._threads = ThreadPoolExecutor(threads or os.cpu_count() or 1, "decode")
        self._room = kept_bytes // (size * size * 3)
        self._kept: dict[int, Pixels] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def read(self, tick: Callable[[int, int], None]) -> Reading:
        """Read every entry once; ``tick`` is told how many of how many are done."""
        rows, failures, sha = [], list[tuple[str, str]](), hashlib.sha256()
        total, coming = len(self._entries), iter(range(len(self._entries)))
        # In chunks: what threads have read would else pile up faster than it is taken.
        while chunk := list(islice(coming, _CHUNK)):
            for row, found in zip(chunk, self._threads.map(self._tried, chunk), strict=True):
                if isinstance(found, str):
                    failures.append((self._entries[row].key, found))
                else:
                    digest, square = found
                    rows.append(row)
                    sha.update(digest)
                    if len(self._kept) < self._room:
                        self._kept[row] = square
            tick(chunk[-1] + 1, total)
        return Reading(tuple(rows), tuple(failures), sha.hexdigest())

    def take(self, rows: Indices) -> Pixels:
        """Return (k, size, size, 3) RGB of ``rows``; raises PictureError for one that is gone."""
        return np.stack(list(self._threads.map(self._square, rows.tolist())))

    def _square(self, row: int) -> Pixels:
        kept = self._kept.get(row)
        return self._decoded(row)[1] if kept is None else kept

    def _tried(self, row: int) -> tuple[bytes, Pixels] | str:
        if self._entries[row].problem:
            return str(self._entries[row].problem)
        try:
            return self._decoded(row)
        except PictureError as error:
            return str(error)

    def _decoded(self, row: int) -> tuple[bytes, Pixels]:
        data = read_picture(self._entries[row].path, self._limits)
        image = decode(data, self._limits, self._preprocess.decode_at_least)
        return hashlib.sha256(data).digest(), to_square(image, self._preprocess)
