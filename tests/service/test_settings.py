"""Settings: where they come from, which source wins, and that each is documented."""

from pathlib import Path

import pytest

from service.errors import SettingsError
from service.settings import Settings, load_settings, parse_blocks

ROOT = Path(__file__).parents[2]


def test_flag_beats_environment_beats_file_beats_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().port == 8000
    (tmp_path / "hueweave.toml").write_text("port = 1\nhost = 'file'\nmetric = 'l2'\n")
    monkeypatch.setenv("HUEWEAVE_PORT", "2")
    monkeypatch.setenv("HUEWEAVE_HOST", "environment")
    found = load_settings(port=3)
    assert (found.port, found.host, found.metric) == (3, "environment", "l2")


def test_config_variable_names_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.toml").write_text("port = 9\n")
    monkeypatch.setenv("HUEWEAVE_CONFIG", str(tmp_path / "other.toml"))
    assert load_settings().port == 9
    monkeypatch.setenv("HUEWEAVE_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load_settings()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"port": 70_000}, "'port' has value 70000"),
        ({"max_limit": 0}, "'max_limit' has value 0"),
        ({"log_level": "loud"}, "'log_level' has value 'loud'"),
    ],
)
def test_wrong_value_is_named_with_its_setting(flags: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load_settings(**flags)


def test_unknown_setting_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "hueweave.toml").write_text("colour = 1\n")
    with pytest.raises(SettingsError, match="'colour'"):
        load_settings()


def test_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "hueweave.toml").write_text("port = = 1\n")
    with pytest.raises(SettingsError, match=r"hueweave\.toml"):
        load_settings()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_variable_and_default(name: str) -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    row = next((line for line in text.splitlines() if f"`{name}`" in line), "")
    assert f"`HUEWEAVE_{name.upper()}`" in row
    default = Settings.model_fields[name].default
    assert (f"`{default}`" if default is not None else "—") in row


@pytest.mark.parametrize(
    ("text", "blocks"),
    [("1-4", (1, 2, 3, 4)), ("2,4", (2, 4)), ("5", (5,)), ("1-2,5", (1, 2, 5)), (" 3 ", (3,))],
)
def test_blocks_are_read_as_ranges_and_lists(text: str, blocks: tuple[int, ...]) -> None:
    assert parse_blocks(text) == blocks


@pytest.mark.parametrize("text", ["", "0", "6", "4-1", "1-9", "a", "1,,2", "1.5", "1-300000000"])
def test_wrong_blocks_are_named(text: str) -> None:
    with pytest.raises(SettingsError, match=f"'blocks' has value '{text}'"):
        parse_blocks(text)
