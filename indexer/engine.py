"""The protocol of batch extraction: work in, embedded batches out, in the same order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from indexer.records import Palette
from indexer.staging import Work
from models.extraction import Extractor, PoolName, RawPools


@dataclass(frozen=True)
class Original:
    """The bytes of a picture that the index is to keep, and the ending of their file's name."""

    data: bytes
    ending: str


@dataclass(frozen=True)
class Embedded:
    """One picture of a batch that could be read: its bytes' SHA-256 and size, its dominant
    colors; its bytes, too, if they lie nowhere else."""

    work: Work
    digest: str
    size: int
    palette: Palette
    original: Original | None = None


@dataclass(frozen=True)
class Unreadable:
    """One picture of a batch that could not be read, and why."""

    work: Work
    reason: str


@dataclass(frozen=True)
class Batch:
    """Consecutive work, done: row i of ``pools`` belongs to ``embedded[i]``."""

    embedded: Sequence[Embedded]
    unreadable: Sequence[Unreadable]
    pools: RawPools | None


class Engine(Protocol):
    """Runs decoding and extraction over many pictures."""

    def run(
        self, work: Iterable[Work], extractor: Callable[[], Extractor], pools: Sequence[PoolName]
    ) -> Iterator[Batch]:
        """Yield batches of a fixed number of works, in order.

        Batches are cut by position in ``work``, readable or not, so that a build that was stopped
        between two of them goes on with the very same batches, and so with the same numbers.
        ``extractor`` is called once, and only if there is a picture to embed.
        """
        ...
