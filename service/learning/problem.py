"""What there is to learn from, and what a way of learning is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from indexer.spaces import Metric
from models.extraction import Vectors
from service.learning.arrays import Codes, Doubles, Rows
from service.learning.lda import Projection

FREE = "label-free"


@dataclass(frozen=True)
class Problem:
    """Items by their coordinates, (N, r) for each set of pools. The first n have ``codes`` (n,);
    the others have no label. ``free`` is (n, d): the labelled items as they are searched without
    labels, compared by ``metric``; the coordinates called FREE are those of all items there. From
    them can be learned, too, but only to teach: an index holds maps of raw pools."""

    coordinates: Mapping[str, Doubles]
    codes: Codes
    free: Vectors
    metric: Metric = "cosine"

    @property
    def classes(self) -> int:
        return int(self.codes.max()) + 1

    @property
    def sets(self) -> list[str]:
        """The sets of pools."""
        return [name for name in self.coordinates if name != FREE]

    @property
    def unlabelled(self) -> int:
        """How many items have no label."""
        return len(next(iter(self.coordinates.values()))) - len(self.codes)


class Way(Protocol):
    """A way of learning from a set of pools, with a ridge or several that share most of the work.

    Implementations are frozen dataclasses, so that one ridge can be singled out.
    """

    @property
    def method(self) -> str:
        """What a reader knows it by."""
        ...

    @property
    def name(self) -> str:
        """The set of pools."""
        ...

    @property
    def ridges(self) -> tuple[float, ...]: ...

    def train(self, problem: Problem, rows: Rows, others: Rows) -> list[Projection]:
        """Return a projection a ridge, from the labels of ``rows`` alone; ``others`` are labelled
        items whose labels must not be looked at."""
        ...

    def single(self, at: int) -> "Way":
        """Return this with the ridge at ``at`` alone."""
        ...
