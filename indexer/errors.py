"""Errors of sources, indexes and spaces."""

from models.errors import HueweaveError


class SourceError(HueweaveError):
    """A source of pictures that is missing, empty or malformed."""


class IndexFolderError(HueweaveError):
    """A folder that is not an index, or one that cannot be opened."""


class UnfinishedIndexError(IndexFolderError):
    """An index whose first build has not ended: there are items, but no means yet."""


class CatalogError(IndexFolderError):
    """A catalog that SQLite cannot read or write: damaged, locked, or on a full disk."""

    exit_code = 1


class SchemaError(IndexFolderError):
    """A manifest whose schema version this release does not read."""


class IndexBusyError(HueweaveError):
    """An index that another process, the ``owner`` of its lock, writes to."""

    def __init__(self, message: str, owner: str = "another process") -> None:
        super().__init__(message)
        self.owner = owner


class StoppedError(HueweaveError):
    """Work that was broken off because its index is being closed."""


class ReadOnlyError(IndexFolderError):
    """A write to an index that was opened to be read, or that lies where nothing can be written."""


class DiskFullError(CatalogError):
    """A disk with no room for what was to be written; nothing of it was."""


class ColumnTypeError(HueweaveError):
    """Metadata that does not fit the type of its column."""


class RecipeMismatchError(HueweaveError):
    """A backbone, weights or option other than the one the index was built with."""


class UnknownKeyError(HueweaveError):
    """A key that no item of the index has, or whose picture is gone."""


class ChangedError(HueweaveError):
    """An item that is not, or not any more, what a write expected."""


class UnknownFeedbackError(HueweaveError):
    """An id that no judgement has."""


class FeedbackFullError(HueweaveError):
    """More judgements than an index may keep; nothing of what was sent was recorded."""


class BackupError(HueweaveError):
    """A backup that cannot be taken or restored."""


class BuildFailedError(HueweaveError):
    """A build that ended without a usable result."""

    exit_code = 1


class FilterError(HueweaveError):
    """A filter that is malformed, too large, or does not fit the index's columns."""
