"""Fetching published weights once, into the folder where torch keeps its own."""

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from models.errors import WeightsError, WeightsUnavailableError

Progress = Callable[[str, int, int], None]
"""Called with what is fetched, bytes so far and bytes in all (0 where unknown)."""

CONNECT_TIMEOUT_S = 4.0
READ_TIMEOUT_S = 30.0


def checkpoint_path(url: str) -> Path:
    """Return where ``url`` is kept: torch hub's folder, so what torch fetched is found too."""
    home = os.environ.get("TORCH_HOME")
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    root = Path(home) if home else Path(cache) / "torch"
    return root.expanduser() / "hub" / "checkpoints" / Path(urlsplit(url).path).name


def mirrored(url: str, mirror: str | None) -> str:
    """Return ``url`` with everything before its file name replaced by ``mirror``, if given."""
    return f"{mirror.rstrip('/')}/{Path(urlsplit(url).path).name}" if mirror else url


def fetch(url: str, path: Path, progress: Progress | None = None) -> Path:
    """Download ``url`` to ``path`` and return it; ``path`` appears whole or not at all.

    The eight hex digits that torchvision puts into its file names are the start of the file's
    SHA-256 and are checked. Raises WeightsUnavailableError if the host does not answer with the
    file or there is no place for it, WeightsError if what came is damaged.
    """
    # Not mkstemp's file, which nobody else could read: a cache of weights is often shared.
    partial = path.with_name(f"{path.name}.{uuid4().hex}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("xb") as file:
            digest = _stream(url, file.write, progress)
        _check_digest(path.name, digest, url)
        partial.replace(path)
    except (httpx.HTTPError, httpx.InvalidURL, ImportError, ValueError) as error:
        # The last two: a proxy that httpx does not know, or only with another package.
        raise WeightsUnavailableError(f"cannot download {url}: {_reason(error)}") from error
    except OSError as error:
        raise WeightsUnavailableError(
            f"cannot write weights to {str(path)!r}: {error.strerror}"
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return path


def _stream(url: str, write: Callable[[bytes], int], progress: Progress | None) -> str:
    timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    sha, done = hashlib.sha256(), 0
    with httpx.stream("GET", url, timeout=timeout, follow_redirects=True) as response:
        response.raise_for_status()
        total = int(response.headers.get("Content-Length", 0))
        for chunk in response.iter_bytes(1 << 20):
            write(chunk)
            sha.update(chunk)
            done += len(chunk)
            if progress:
                progress(Path(urlsplit(url).path).name, done, total)
    return sha.hexdigest()


def _check_digest(name: str, digest: str, url: str) -> None:
    expected = re.search(r"-([0-9a-f]{8,64})\.[a-z]+$", name)
    if expected and not digest.startswith(expected[1]):
        raise WeightsError(
            f"{url} is damaged: its SHA-256 begins with {digest[:8]}, expected {expected[1]}"
        )


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    return str(error) or type(error).__name__
