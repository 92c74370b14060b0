"""Names of the arrays that learning works on."""

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Codes = NDArray[np.int32]
"""A class each, counted from 0."""
Flags = NDArray[np.bool_]
"""What is true of each item."""
Rows = NDArray[np.int64]
"""Positions in arrays of items."""


def scaled(vectors: Doubles) -> Doubles:
    """Return rows scaled to length one; a row of zeros stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Doubles = vectors / np.maximum(lengths, 1e-12)
    return found


def one_hot(codes: Codes, classes: int) -> Doubles:
    """Return (n, classes) with a one where each item's class is."""
    return np.eye(classes)[codes]


def softmax(logits: Doubles, temperature: float = 1.0) -> Doubles:
    """Return (n, c) probabilities, the flatter the higher ``temperature`` is."""
    shifted = logits / temperature
    powers = np.exp(shifted - shifted.max(axis=1, keepdims=True))
    found: Doubles = powers / powers.sum(axis=1, keepdims=True)
    return found
