"""Measuring every block of a backbone on labels: how well it tells their classes apart."""
