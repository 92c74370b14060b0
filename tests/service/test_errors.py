"""Errors of queries and settings: caught as one family, told apart, exit code 2."""

import pytest

from models.errors import HueweaveError
from service.errors import NotYetError, QueryError, SettingsError


@pytest.mark.parametrize("error", [QueryError("x"), NotYetError("x"), SettingsError("x")])
def test_each_is_the_caller_s_to_mend(error: HueweaveError) -> None:
    assert isinstance(error, HueweaveError)
    assert error.exit_code == 2


def test_what_is_not_there_yet_is_named_and_is_a_query_error() -> None:
    error = NotYetError("terms[0].palette")
    assert isinstance(error, QueryError)
    assert str(error) == "terms[0].palette is not available in this release: leave it out"
