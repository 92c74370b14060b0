"""What an index or an alias may be called."""

DEFAULT = "default"
"""The index behind the plain paths."""

NAME = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}"
"""A pattern: a name is one segment of a path, and a folder's name on every system."""
