"""What a build tells whoever watches it; light, so that a command can import it at once."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer.staging import Plan


class Watcher:
    """Hears nothing and says nothing; subclasses override what they care for."""

    def scanned(self, count: int) -> None:
        """So many entries of the source have been read."""

    def planned(self, plan: "Plan") -> None:
        """The source is read; this is what there is to do."""

    def advanced(self, done: int, failed: int) -> None:
        """So many pictures are done by now, so many of them unreadable."""

    def indexing(self) -> None:
        """All pictures are stored; segments are being made."""
