"""Errors of a service that has as much to do as it can, or takes too long."""

from models.errors import HueweaveError


class OverloadError(HueweaveError):
    """A request that is not answered now, but may be ``retry_after`` seconds later."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BusyError(OverloadError):
    """As many requests wait as may."""


class LateError(OverloadError):
    """Work that was not done within its time."""
