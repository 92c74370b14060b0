"""Shrinkage linear discriminants, with labels that may be soft.

Fisher 1936; the ridge is Friedman's 1989 regularised discriminant analysis towards the identity.
scikit-learn has it for hard labels; those here may be shares of classes, and several ridges share
the scatter that costs most.
"""

from dataclasses import dataclass

import numpy as np

from service.learning.arrays import Doubles, scaled


@dataclass(frozen=True)
class Projection:
    """(n, r) coordinates to (rows - ``middle``) @ ``matrix``, (n, k), in which ``centres`` (c, k)
    are the means of the classes."""

    matrix: Doubles
    middle: Doubles
    centres: Doubles

    def __call__(self, rows: Doubles) -> Doubles:
        """Return (n, k) projections."""
        found: Doubles = (rows - self.middle) @ self.matrix
        return found

    def embed(self, rows: Doubles) -> Doubles:
        """Return (n, k) projections of unit length."""
        return scaled(self(rows))

    def logits(self, rows: Doubles) -> Doubles:
        """Return (n, c): minus half the squared distance to each class's mean."""
        moved = self(rows)
        squares = (moved**2).sum(1)[:, None] + (self.centres**2).sum(1)
        found: Doubles = moved @ self.centres.T - squares / 2
        return found


@dataclass(frozen=True)
class Scatter:
    """What discriminants are made of: (r, r) scatter ``within`` classes and (c, r) ``means``."""

    within: Doubles
    means: Doubles


def scatter(rows: Doubles, shares: Doubles) -> Scatter:
    """Return the scatter of (n, r) ``rows`` whose (n, c) ``shares`` say how much of each class
    they are; a row may have less than one in all. Every class needs some."""
    sizes, weights = shares.sum(axis=0), shares.sum(axis=1)
    means = (shares.T @ rows) / sizes[:, None]
    free = weights.sum() - len(sizes)
    if free <= 0.5:  # an example a class: nothing is known of how they vary
        return Scatter(np.zeros((rows.shape[1],) * 2), means)
    weighted = rows * np.sqrt(weights)[:, None]
    total = weighted.T @ weighted - (means * sizes[:, None]).T @ means
    return Scatter(total / free, means)


def discriminants(found: Scatter, ridge: float) -> Projection:
    """Return the projection to min(c - 1, r) discriminants; classes weigh alike.

    ``ridge`` is added to the variance within classes in every direction, in units of the total
    variance that a basis of pools has.
    """
    from scipy.linalg import solve_triangular

    classes, width = found.means.shape
    middle = found.means.mean(axis=0)
    between = found.means - middle
    lower = np.linalg.cholesky(found.within + ridge * np.eye(width))
    evened = solve_triangular(lower, between.T, lower=True, check_finite=False)
    directions = np.linalg.svd(evened, full_matrices=False)[0][:, : classes - 1]
    matrix = solve_triangular(lower.T, directions, lower=False, check_finite=False)
    return Projection(matrix, middle, between @ matrix)
