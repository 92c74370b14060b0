"""Networks that are stored with an index: one in int8, known by its SHA-256."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from indexer.errors import IndexFolderError
from indexer.files import write_durably
from models.recipe import Recipe

NETWORKS = "networks"


def network_path(folder: Path, digest: str) -> Path:
    """Return where an index has the network with this SHA-256."""
    return folder / NETWORKS / f"{digest}.zip"


def write_network(folder: Path, data: bytes) -> None:
    """Store a network, whole or not at all."""
    path = network_path(folder, sha256(data).hexdigest())
    path.parent.mkdir(parents=True, exist_ok=True)

    def write(partial: Path) -> None:
        partial.write_bytes(data)

    write_durably(path, write)


def drop_networks(folder: Path) -> None:
    """Remove whatever networks a folder has that is no index yet."""
    for path in (folder / NETWORKS).glob("*"):
        path.unlink()


def read_network(folder: Path, digest: str) -> bytes:
    """Return a network that is what was stored; raises IndexFolderError if it is not."""
    path = network_path(folder, digest)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise IndexFolderError(f"cannot read {str(path)!r}: {error.strerror}") from error
    if sha256(data).hexdigest() != digest:
        raise IndexFolderError(f"{str(path)!r} is damaged: its SHA-256 is another than its name's")
    return data


def check_networks(folder: Path, recipe: Recipe) -> Iterator[str]:
    """Yield what is wrong with the networks that a recipe needs."""
    if recipe.quantized:
        try:
            read_network(folder, recipe.quantized)
        except IndexFolderError as error:
            yield f"{error} (restore it from a backup: nothing else makes the same one)"
