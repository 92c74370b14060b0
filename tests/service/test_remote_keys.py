"""Asking a server that has keys."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from service.errors import SettingsError
from service.opening import Opened
from service.remote import RemoteError, RemoteIndex, open_remote
from service.settings import load_settings
from tests.api.keyed import Keyed, keyed_server


@pytest.fixture
def keyed(opened: Opened, tmp_path: Path) -> Iterator[Keyed]:
    with keyed_server(opened, tmp_path) as found:
        yield found


def remote(keyed: Keyed, key: str | None) -> RemoteIndex:
    return open_remote(load_settings(index=str(keyed.client.base_url), api_key=key))


def test_key_of_the_environment_is_sent(
    keyed: Keyed, monkeypatch: pytest.MonkeyPatch, opened: Opened
) -> None:
    monkeypatch.setenv("HUEWEAVE_API_KEY", f" {keyed.keys['read']}\n")
    with closing(remote(keyed, None)) as found:
        assert found.info().items == opened.store.count()
        assert found.picture("000.png") is not None


def test_without_a_key_or_with_a_wrong_one_the_server_s_own_words_are_the_error(
    keyed: Keyed,
) -> None:
    wrong = keyed.keys["read"][:-1] + ("a" if keyed.keys["read"][-1] != "a" else "b")
    for key, words in ((None, "this needs a key"), (wrong, "the key is unknown")):
        with closing(remote(keyed, key)) as found, pytest.raises(RemoteError, match=words):
            found.info()


@pytest.mark.parametrize("key", ["secret", "hw_0123abcd_é", "hw_\n", "hw_0123abcd_" + "x" * 44])
def test_what_is_no_key_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(SettingsError, match="'api_key' is no key") as caught:
        open_remote(load_settings(index="http://127.0.0.1:1", api_key=key))
    assert key not in str(caught.value)
    assert key not in repr(load_settings(api_key=key))
