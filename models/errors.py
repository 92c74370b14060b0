"""The errors a caller can cause, each with the exit code a shell gets for it."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

Name = TypeVar("Name", bound=str)


class HueweaveError(Exception):
    """A problem the caller can mend; its text names the value and what would be right."""

    exit_code = 2


class UnknownNameError(HueweaveError):
    """A name that is not one of those on offer."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        listed = ", ".join(known) or "(none)"
        super().__init__(f"unknown {kind} {shorten(str(name))!r}: expected one of {listed}")


def one_of(kind: str, text: str, known: Sequence[Name]) -> Name:
    """Return the one of ``known`` that ``text`` is; raises UnknownNameError naming them all."""
    for name in known:
        if text == name:
            return name
    raise UnknownNameError(kind, text, known)


def shorten(text: str, most: int = 100) -> str:
    """Return ``text``, cut to what a line of error can hold."""
    return text if len(text) <= most else f"{text[:most]}…"


class PictureError(HueweaveError):
    """Bytes that give no picture."""


class PictureTooLargeError(PictureError):
    """A picture past the limit of bytes or pixels."""


class ColorError(HueweaveError):
    """A text that stands for no color."""


class BlockError(HueweaveError):
    """A block that the weights or the index do not have."""


class PrecisionError(HueweaveError):
    """Numbers that a network is not run in here."""


class WeightsError(HueweaveError):
    """Weights that cannot be had, read, or are not the ones asked for."""


class WeightsUnavailableError(WeightsError):
    """Weights that are neither on disk nor can be downloaded now."""
