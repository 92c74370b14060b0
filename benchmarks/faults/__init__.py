"""Faults that an index has to survive, done to it: the long forms of tests in tests/e2e."""
