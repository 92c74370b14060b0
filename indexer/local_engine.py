"""The local engine: threads decode ahead while the network works on the batch before, and that is
stored which it worked on before that."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from itertools import islice

import numpy as np

from indexer.engine import Batch, Embedded, Unreadable
from indexer.staging import Work
from models.dominant import dominant_colors
from models.errors import PictureError
from models.extraction import Extractor, PoolName, RawPools
from models.images import Limits, decode, read_picture
from models.preprocess import Pixels, Preprocess, to_square

BATCH_SIZE = 32
Decoded = tuple[Embedded, Pixels] | Unreadable


class LocalEngine:
    """Implements ``Engine`` on this machine's processors (and its GPU, if the extractor does)."""

    def __init__(
        self,
        preprocess: Preprocess,
        limits: Limits,
        *,
        batch_size: int = BATCH_SIZE,
        threads: int | None = None,
    ) -> None:
        self._preprocess, self._limits = preprocess, limits
        self._batch_size = batch_size
        self._threads = threads or os.cpu_count() or 1

    def run(
        self, work: Iterable[Work], extractor: Callable[[], Extractor], pools: Sequence[PoolName]
    ) -> Iterator[Batch]:
        """Yield embedded batches in order; at most four are in memory at once."""
        network = _Network(extractor, pools)
        with (
            ThreadPoolExecutor(self._threads, thread_name_prefix="decode") as threads,
            ThreadPoolExecutor(1, thread_name_prefix="network") as embedding,
        ):
            # While a batch is being stored, the next is in the network.
            before: Future[Batch] | None = None
            for decoded in self._decoded(threads, iter(work)):
                following = embedding.submit(network.embed, decoded)
                if before:
                    yield before.result()
                before = following
            if before:
                yield before.result()

    def _decoded(
        self, threads: ThreadPoolExecutor, work: Iterator[Work]
    ) -> Iterator[list[Decoded]]:
        """Yield decoded batches, keeping two more under way."""
        ahead: deque[list[Future[Decoded]]] = deque()
        try:
            while some := list(islice(work, self._batch_size)):
                ahead.append([threads.submit(self._decode, one) for one in some])
                if len(ahead) > 2:
                    yield [future.result() for future in ahead.popleft()]
            while ahead:
                yield [future.result() for future in ahead.popleft()]
        finally:
            for futures in ahead:
                for future in futures:
                    future.cancel()

    def _decode(self, work: Work) -> Decoded:
        if work.entry.problem:
            return Unreadable(work, work.entry.problem)
        try:
            data = read_picture(work.entry.path, self._limits)
            return prepare(work, data, self._preprocess, self._limits)
        except PictureError as error:
            return Unreadable(work, str(error))


class _Network:
    """The network of a build, loaded when there is a picture for it."""

    def __init__(self, extractor: Callable[[], Extractor], pools: Sequence[PoolName]) -> None:
        self._load, self._pools = cache(extractor), pools

    def embed(self, decoded: Sequence[Decoded]) -> Batch:
        """Return what comes of a batch."""
        good = [one for one in decoded if not isinstance(one, Unreadable)]
        bad = [one for one in decoded if isinstance(one, Unreadable)]
        embedded: RawPools | None = None
        if good:
            pixels = np.stack([pixels for _, pixels in good])
            embedded = self._load().extract(pixels, self._pools)
        return Batch([one for one, _ in good], bad, embedded)


def prepare(
    work: Work, data: bytes, preprocess: Preprocess, limits: Limits
) -> tuple[Embedded, Pixels]:
    """Return what is to be stored of the picture in ``data``, and its square for the network.

    Raises PictureError if it is none.
    """
    square = to_square(decode(data, limits, preprocess.decode_at_least), preprocess)
    palette = dominant_colors(square, None, preprocess.white)
    return Embedded(work, hashlib.sha256(data).hexdigest(), len(data), palette), square
