"""Learning from labels: projections of raw pools, what speaks for them, and label values."""
