"""Measurements side by side in one run, as ratios; `python -m benchmarks` runs them all."""
