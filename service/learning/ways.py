"""Ways of learning a projection: discriminants, components of neighbours, and plain whitening."""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from service.learning.arrays import Codes, Doubles, Rows, one_hot
from service.learning.lda import Projection, discriminants, scatter
from service.learning.problem import Problem

RIDGES = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
WHITEN_WIDTHS = (32, 128)
# Neighbourhood components cost a gradient over all pairs: fewer directions, ridges and steps.
NCA_RIDGES = (1e-3, 1e-2)
_NCA_WIDTH, _NCA_STEPS = 128, 30


@dataclass(frozen=True)
class Lda:
    """Shrinkage linear discriminants."""

    name: str
    ridges: tuple[float, ...] = RIDGES
    method: str = "lda"

    def train(self, problem: Problem, rows: Rows, others: Rows) -> list[Projection]:
        found = scatter(
            problem.coordinates[self.name][rows], one_hot(problem.codes[rows], problem.classes)
        )
        return [discriminants(found, ridge) for ridge in self.ridges]

    def single(self, at: int) -> "Lda":
        return replace(self, ridges=self.ridges[at : at + 1])


@dataclass(frozen=True)
class Nca:
    """Neighbourhood components (Goldberger et al. 2004), from where discriminants leave off."""

    name: str
    ridges: tuple[float, ...] = NCA_RIDGES
    method: str = "nca"

    def train(self, problem: Problem, rows: Rows, others: Rows) -> list[Projection]:
        from sklearn.neighbors import NeighborhoodComponentsAnalysis

        points = problem.coordinates[self.name][rows][:, :_NCA_WIDTH]
        codes = problem.codes[rows]
        found = scatter(points, one_hot(codes, problem.classes))
        made = []
        for ridge in self.ridges:
            start = discriminants(found, ridge)
            width = start.matrix.shape[1]
            moved = start(points) / np.sqrt(width)
            model = NeighborhoodComponentsAnalysis(
                n_components=width, init="identity", max_iter=_NCA_STEPS, random_state=0
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it could go on is no news
                model.fit(moved, codes)
            matrix = start.matrix @ model.components_.T / np.sqrt(width)
            made.append(_projection(matrix, start.middle, points, codes, self._width(problem)))
        return made

    def single(self, at: int) -> "Nca":
        return replace(self, ridges=self.ridges[at : at + 1])

    def _width(self, problem: Problem) -> int:
        return int(problem.coordinates[self.name].shape[1])


@dataclass(frozen=True)
class Whiten:
    """The principal directions of all items, each of variance one but for the ridge. Labels only
    judge."""

    name: str
    width: int
    ridges: tuple[float, ...] = RIDGES

    @property
    def method(self) -> str:
        return f"whiten to {self.width}"

    def train(self, problem: Problem, rows: Rows, others: Rows) -> list[Projection]:
        points = problem.coordinates[self.name]
        width = min(self.width, points.shape[1])
        spread, middle = points[:, :width].var(axis=0), points.mean(axis=0)[:width]
        known, codes = points[rows][:, :width], problem.codes[rows]
        return [
            _projection(np.diag((spread + r) ** -0.5), middle, known, codes, points.shape[1])
            for r in self.ridges
        ]

    def single(self, at: int) -> "Whiten":
        return replace(self, ridges=self.ridges[at : at + 1])


def _projection(
    matrix: Doubles, middle: Doubles, points: Doubles, codes: Codes, width: int
) -> Projection:
    """Return a projection of points ``width`` wide, of which the first coordinates count."""
    moved = (points - middle) @ matrix
    centres = np.stack([moved[codes == one].mean(axis=0) for one in range(int(codes.max()) + 1)])
    whole, start = np.zeros((width, matrix.shape[1])), np.zeros(width)
    whole[: len(matrix)], start[: len(middle)] = matrix, middle
    return Projection(whole, start, centres)
