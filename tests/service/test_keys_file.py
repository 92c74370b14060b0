"""The keys file: what is written, how durably, and what a running server sees of it."""

import logging
import os
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indexer import files
from models.errors import UnknownNameError
from service.errors import SettingsError
from service.keys import KeysError, UnknownApiKeyError
from service.keys_file import KeyRing, KeysFile

NOW = datetime(2026, 1, 1, 12, 0, 0, 5, tzinfo=UTC)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def file(tmp_path: Path) -> KeysFile:
    return KeysFile(tmp_path / "keys.json", now=lambda: NOW)


def test_first_key_makes_a_file_that_only_its_owner_can_read(file: KeysFile) -> None:
    before = os.umask(0)
    try:
        key, text = file.create("shop", "read", 30)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert key.expires == NOW.replace(microsecond=0) + timedelta(days=30)
    assert file.read().find(text, NOW) == key


def test_file_holds_no_secret_of_a_key(file: KeysFile) -> None:
    _, text = file.create("shop", "write")
    assert text.split("_", 2)[2] not in file.path.read_text("utf-8")


def test_file_is_written_aside_synced_and_renamed(
    file: KeysFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, replace = files.sync_file, Path.replace

    def syncing(path: Path) -> None:
        done.append(f"sync {path.name}")
        sync(path)

    def replacing(path: Path, target: Path) -> Path:
        done.append(f"rename to {target.name}")
        return replace(path, target)

    monkeypatch.setattr(files, "sync_file", syncing)
    monkeypatch.setattr(Path, "replace", replacing)
    file.create("shop", "read")
    folder = file.path.parent.name
    assert done == ["sync .keys.json.partial", "rename to keys.json", f"sync {folder}"]


def test_file_left_half_written_by_a_crash_is_overwritten_with_rights_of_our_own(
    file: KeysFile,
) -> None:
    partial = file.path.with_name(".keys.json.partial")
    partial.write_text("half")
    partial.chmod(0o644)
    _, text = file.create("shop", "read")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert file.read().find(text, NOW) is not None


def test_rights_that_were_given_on_purpose_stay(file: KeysFile) -> None:
    file.create("shop", "read")
    file.path.chmod(0o640)
    file.create("other", "read")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o640


def test_keys_made_at_the_same_time_are_all_kept(file: KeysFile) -> None:
    threads = [threading.Thread(target=file.create, args=(str(n), "read")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key.name for key in file.read().keys) == [str(n) for n in range(8)]


def test_revoked_key_counts_no_longer_and_the_others_do(file: KeysFile) -> None:
    (gone, gone_text), (_, kept_text) = file.create("a", "read"), file.create("b", "read")
    assert file.revoke(gone.id) == gone
    held = file.read()
    assert held.find(gone_text, NOW) is None
    assert held.find(kept_text, NOW) is not None


def test_rotation_changes_the_signing_secret_and_nothing_else(file: KeysFile) -> None:
    file.create("a", "read")
    before = file.read()
    file.rotate()
    after = file.read()
    assert after.signing_secret != before.signing_secret
    assert after.keys == before.keys


def test_unknown_id_is_named_with_those_there_are(file: KeysFile) -> None:
    key, _ = file.create("a", "read")
    with pytest.raises(UnknownApiKeyError, match=f"'beef': expected one of {key.id}"):
        file.revoke("beef")


def test_wrong_scope_and_name_are_named(file: KeysFile) -> None:
    words = "'root': expected one of read, feedback, write, admin"
    with pytest.raises(UnknownNameError, match=words):
        file.create("a", "root")
    for name in ("", "a\nb", "x" * 101):
        with pytest.raises(SettingsError, match="key name"):
            file.create(name, "read")
    assert not file.path.exists()


@pytest.mark.parametrize("change", ["revoke", "rotate", "read"])
def test_file_that_is_not_there_is_named_and_not_made(file: KeysFile, change: str) -> None:
    with pytest.raises(KeysError, match=r"keys\.json.*hueweave key create"):
        file.revoke("x") if change == "revoke" else getattr(file, change)()
    assert list(file.path.parent.glob("*keys*")) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"signing_secret": "short"}', "\x00", '{"version": 2}']
)
def test_damaged_file_is_named_without_what_it_holds(file: KeysFile, text: str) -> None:
    file.path.write_text(text)
    with pytest.raises(KeysError, match="damaged") as caught:
        file.read()
    assert "short" not in str(caught.value)


def test_folder_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="cannot write keys file"):
        KeysFile(tmp_path / "none" / "keys.json").create("a", "read")


def test_running_server_sees_changes_within_a_second_and_looks_no_more_often(
    file: KeysFile,
) -> None:
    key, text = file.create("a", "read")
    clock = Clock()
    ring = KeyRing(file, clock)
    assert ring.find(text) == key
    file.revoke(key.id)
    clock.seconds = 0.99
    assert ring.find(text) == key
    clock.seconds = 1.0
    assert ring.find(text) is None
    _, other = file.create("b", "read")
    clock.seconds = 2.0
    assert ring.find(other) is not None


def test_file_that_did_not_change_is_not_read_again(
    file: KeysFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = file.create("a", "read")
    clock = Clock()
    ring = KeyRing(file, clock)
    monkeypatch.setattr(KeysFile, "read", None)
    clock.seconds = 5.0
    assert ring.find(text) is not None


@pytest.mark.parametrize("harm", ["vanished", "damaged"])
def test_file_lost_under_a_running_server_lets_nobody_in_until_it_is_back(
    file: KeysFile, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, text = file.create("a", "read")
    clock, whole = Clock(), file.path.read_bytes()
    ring = KeyRing(file, clock)
    if harm == "vanished":
        file.path.unlink()
    else:
        file.path.write_bytes(whole[:100])
    for clock.seconds in (1.0, 2.0):
        with pytest.raises(KeysError):
            ring.find(text)
    assert len(caplog.records) == 1  # once, not at every request
    assert "nobody is let in" in caplog.text
    file.path.write_bytes(whole)
    clock.seconds = 3.0
    assert ring.find(text) is not None


def test_file_that_others_can_read_is_warned_of(
    file: KeysFile, caplog: pytest.LogCaptureFixture
) -> None:
    file.create("a", "read")
    with caplog.at_level(logging.WARNING):
        KeyRing(file)
        assert caplog.records == []
        file.path.chmod(0o644)
        KeyRing(file)
    assert "chmod 600" in caplog.text
