"""A server under many clients at once, each answer held against what the client knows."""
