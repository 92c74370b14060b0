"""Errors of queries and settings: caught as one family, told apart, exit code 2."""

import pytest

from models.errors import HueweaveError
from service.errors import QueryError, SettingsError


@pytest.mark.parametrize("error", [QueryError("x"), SettingsError("x")])
def test_each_is_the_caller_s_to_mend(error: HueweaveError) -> None:
    assert isinstance(error, HueweaveError)
    assert error.exit_code == 2
