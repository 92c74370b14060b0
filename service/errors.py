"""Errors of queries and settings."""

from models.errors import HueweaveError


class QueryError(HueweaveError):
    """A query that cannot be answered as asked."""


class NotYetError(QueryError):
    """A part of the query schema that this release does not answer."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is not available in this release: leave it out")


class SettingsError(HueweaveError):
    """A setting whose value cannot be used."""
