"""Rendered fabric swatches: ten colors by ten patterns, labelled and reproducible."""

from .catalog import FabricError, render, write_catalog
from .palette import COLORS
from .patterns import PATTERNS

__all__ = ["COLORS", "PATTERNS", "FabricError", "render", "write_catalog"]
