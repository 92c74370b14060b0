"""Holes in files: bytes that read as zeros and take no room (fallocate(2), on Linux)."""

import ctypes
import os
from functools import cache
from typing import Any

_KEEP_SIZE, _PUNCH_HOLE = 0x01, 0x02
_ZEROS = bytes(2**16)


def empty(descriptor: int, start: int, end: int) -> None:
    """Make bytes ``start`` to ``end`` of a file zeros, and give back the room that whole blocks of
    them took, if the file system can."""
    call = _fallocate()
    if call is None or call(descriptor, _KEEP_SIZE | _PUNCH_HOLE, start, end - start):
        for at in range(start, end, len(_ZEROS)):
            os.pwrite(descriptor, _ZEROS[: end - at], at)


@cache
def _fallocate() -> Any:
    call = getattr(ctypes.CDLL(None), "fallocate", None)
    if call is not None:
        call.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return call
