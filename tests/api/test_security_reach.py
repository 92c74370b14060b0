"""Binding an address that others can reach: with keys, or on purpose, or not at all."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.main import run
from api.security.reach import check_reach
from service.errors import SettingsError
from service.settings import load_settings

EVERYWHERE = ["0.0.0.0", ""]


@pytest.fixture
def bound(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """A socket that is bound to the host given as the fixture's parameter."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    try:
        listener = socket.create_server((request.param, 0), family=family)
    except OSError as error:
        pytest.skip(f"cannot bind {request.param}: {error}")
    with listener:
        yield listener


@pytest.mark.parametrize("bound", ["127.0.0.1", "127.9.9.9", "localhost", "::1"], indirect=True)
def test_loopback_needs_no_keys(bound: socket.socket) -> None:
    check_reach(bound, load_settings())


@pytest.mark.parametrize("bound", ["0.0.0.0", "", "::"], indirect=True)
@pytest.mark.parametrize("flags", [{"keys": "keys.json"}, {"anonymous": True}])
def test_other_addresses_need_keys_or_a_word(bound: socket.socket, flags: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="can be reached by others and there are no keys"):
        check_reach(bound, load_settings(host="somewhere"))
    check_reach(bound, load_settings(**flags))


@pytest.mark.parametrize("host", EVERYWHERE)
def test_serve_refuses_it_in_one_line_before_anything_is_loaded(
    host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve", "--index", "none", "--host", host, "--port", "0"]) == 2
    shown = capsys.readouterr().err
    assert "--keys FILE" in shown
    assert "--anonymous" in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize("flags", [["--anonymous"], ["--keys", "keys.json"]])
def test_serve_goes_on_to_open_the_index_when_told(
    flags: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["key", "create", "a", "--scope", "read", "--keys", "keys.json"]) == 0
    assert run(["serve", "--index", "none", "--host", "0.0.0.0", "--port", "0", *flags]) == 2
    assert "no index at" in capsys.readouterr().err


def test_keys_file_that_is_not_there_is_one_line(
    capsys: pytest.CaptureFixture[str], fake_index: Path
) -> None:
    arguments = ["serve", "--index", str(fake_index), "--port", "0", "--keys", "none.json"]
    assert run(arguments) == 2
    assert "cannot read keys file 'none.json'" in capsys.readouterr().err


def test_keys_that_name_nothing_are_not_taken_for_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--index", "none", "--port", "0", "--keys", ""]) == 2
    assert "setting 'keys' has value ''" in capsys.readouterr().err
