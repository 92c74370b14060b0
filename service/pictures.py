"""An item's picture as it was indexed, or not at all."""

import hashlib
import os
import stat
from pathlib import Path

from indexer.errors import UnknownKeyError
from indexer.records import Item
from models.images import Limits

# A pipe that took the file's place must not be waited for.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def read_indexed(item: Item, path: Path, limits: Limits) -> bytes:
    """Return the bytes of ``item``'s picture, which lies at ``path``: those that were indexed.

    Whatever a path leads to by now, such as through a link put there since, only bytes with the
    digest in the catalog come back. Raises UnknownKeyError for any others; its text names no path.
    """
    try:
        descriptor = os.open(path, _FLAGS)
        with open(descriptor, "rb") as file:
            regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            data = file.read(limits.max_bytes + 1) if regular else b""
    except (OSError, ValueError) as error:
        raise UnknownKeyError(
            f"the picture of {item.key!r} is no longer where it was indexed from"
        ) from error
    if len(data) > limits.max_bytes:
        raise UnknownKeyError(
            f"the picture of {item.key!r} has more bytes than the limit, {limits.max_bytes:,}"
        )
    if hashlib.sha256(data).hexdigest() != item.digest:
        raise UnknownKeyError(
            f"the picture of {item.key!r} has changed since it was indexed: build the index again"
        )
    return data
