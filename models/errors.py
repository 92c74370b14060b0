"""The errors a caller can cause, each with the exit code a shell gets for it."""


class HueweaveError(Exception):
    """A problem the caller can mend; its text names the value and what would be right."""

    exit_code = 2


class UnknownNameError(HueweaveError):
    """A name that is not one of those on offer."""

    def __init__(self, kind: str, name: object, known: object) -> None:
        listed = ", ".join(str(one) for one in known) if hasattr(known, "__iter__") else str(known)
        super().__init__(f"unknown {kind} {str(name)!r}: expected one of {listed or '(none)'}")


class PictureError(HueweaveError):
    """Bytes that give no picture."""


class PictureTooLargeError(PictureError):
    """A picture past the limit of bytes or pixels."""


class BlockError(HueweaveError):
    """A block that the weights or the index do not have."""


class WeightsError(HueweaveError):
    """Weights that cannot be had, read, or are not the ones asked for."""


class WeightsUnavailableError(WeightsError):
    """Weights that are neither on disk nor can be downloaded now."""
