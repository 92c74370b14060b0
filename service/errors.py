"""Errors of queries and settings."""

from collections.abc import Iterable

from models.errors import HueweaveError, shorten


class QueryError(HueweaveError):
    """A query that cannot be answered as asked."""


class SettingsError(HueweaveError):
    """A setting whose value cannot be used."""


class UnknownIndexError(HueweaveError):
    """A name that no index and no alias has, or no name where there is no default index."""

    def __init__(self, name: str | None, known: Iterable[str]) -> None:
        listed = ", ".join(known)
        there = f"there are {listed}" if listed else "there are none"
        if name is None:
            super().__init__(f"there is no default index, name one: {there}")
        else:
            super().__init__(f"there is no index {shorten(name)!r}: {there}")


class AliasError(HueweaveError):
    """An alias that cannot be set or removed as asked."""


class UnknownAliasError(AliasError):
    """A name that is no alias."""


class NewIndexError(HueweaveError):
    """An index that cannot be made as asked: its name or a value of it is wrong."""


class IndexConflictError(HueweaveError):
    """An index that cannot be made as asked because of what is there, or is not."""


class NotLoadedError(HueweaveError):
    """An index that cannot be asked at this moment, but soon."""


class ItemError(HueweaveError):
    """An item that cannot be written as given: its key or its metadata."""


class ConditionError(HueweaveError):
    """A change that depends on what an item is, which is something else."""


class FeedbackError(HueweaveError):
    """Judgements that cannot be recorded as given, or that nothing can be learned from."""


class LineError(HueweaveError):
    """A line that asks for no change."""
