"""Errors of learning."""

from models.errors import HueweaveError


class LearningError(HueweaveError):
    """Labels from which nothing can be learned, or a way of learning that is none."""


class NotBetterError(HueweaveError):
    """What was learned is not to be installed, since it is not better than what is there."""

    exit_code = 1
