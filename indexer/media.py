"""Originals that the index keeps itself, by the SHA-256 of their bytes.

An item's source is where its picture lies: an absolute path if a build found it there, or else
``media/<two digits>/<SHA-256>.<ending>``, relative to the index, which so can be moved.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from indexer.engine import Original
from indexer.errors import IndexFolderError
from indexer.files import digest_file, sync_folder, write_durably

MEDIA = "media"


class Media:
    """The folder ``media/`` of an index."""

    def __init__(self, index: Path) -> None:
        self._index = index
        self._named: set[Path] = set()  # folders whose names are known to be on the disk

    def locate(self, source: str) -> Path:
        """Return where the picture of an item with this source lies.

        Raises IndexFolderError for one that leads out of the folder.
        """
        path = Path(source)
        if path.is_absolute():
            return path
        if not is_media(source) or ".." in path.parts:
            raise IndexFolderError(f"source {source!r} is damaged: it lies outside of {MEDIA}/")
        return self._index / path

    def put(self, digest: str, original: Original) -> None:
        """Store the bytes whose SHA-256 (hex) is ``digest``, durably, unless they are there."""
        path = self._index / media_source(digest, original)
        self._make(path.parent)
        if path.is_file() and digest_file(path) == digest:
            # Whoever wrote it may have been killed before its name was on the disk.
            sync_folder(path.parent)
            return

        def write(partial: Path) -> None:
            partial.write_bytes(original.data)

        write_durably(path, write)

    def remove(self, source: str) -> None:
        """Remove a file that no item needs any more."""
        path = self.locate(source)
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync_folder(path.parent)

    def orphans(self, needed: Callable[[str], bool]) -> Iterator[str]:
        """Yield the sources of files that are not ``needed``."""
        root = self._index / MEDIA
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                source = path.relative_to(self._index).as_posix()
                # Folders that a file system or its tools put there are nobody's original.
                if not needed(source) and not path.is_dir():
                    yield source

    def _make(self, folder: Path) -> None:
        for one in (folder.parent, folder):
            if one not in self._named or not one.is_dir():
                one.mkdir(exist_ok=True)
                sync_folder(one.parent)
                self._named.add(one)


def media_source(digest: str, original: Original) -> str:
    """Return the source of an original that the index keeps."""
    return f"{MEDIA}/{digest[:2]}/{digest}{original.ending}"


def is_media(source: str) -> bool:
    """Return whether a source is a file of the index's own."""
    return source.startswith(f"{MEDIA}/")
