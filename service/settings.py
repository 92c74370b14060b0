"""All settings in one table; each comes from a flag, HUEWEAVE_*, a TOML file, or its default."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from models.backbones import BLOCKS
from service.errors import SettingsError
from service.query import MAX_LIMIT, MAX_TERMS

CONFIG_VARIABLE = "HUEWEAVE_CONFIG"
DEFAULT_CONFIG = "hueweave.toml"


class Settings(BaseSettings):
    """The settings of hueweave; docs/settings.md lists them for users."""

    model_config = SettingsConfigDict(env_prefix="HUEWEAVE_", env_ignore_empty=True, extra="forbid")

    index: str | None = Field(None, description="The index folder.")
    root: str | None = Field(None, description="A folder of index folders, to serve them all.")

    read_only: bool = Field(False, description="Whether a server never writes to its indexes.")

    backbone: str = Field("auto", description="Network of a new index, or auto.")
    weights: str | None = Field(None, description="Weights: an enum name, a file, or packaged.")
    weights_mirror: str | None = Field(
        None, description="Address that serves the published weight files by name."
    )
    preset: str = Field("default", description="Preset of a new index: default or paper.")
    blocks: str = Field("auto", description="Blocks a new index stores: auto, or such as 1-4.")
    metric: str = Field("cosine", description="Metric of a new index: cosine or l2.")
    index_type: str = Field("auto", description="FAISS factory string of a new index, or auto.")
    profile: str = Field("small", description="What auto indexes are to be: small or fast.")
    recall: float | None = Field(
        None, ge=0.5, le=0.999, description="Share of the nearest that auto indexes find."
    )
    reduce: str = Field("none", description="Numbers an attribute of a new index keeps: pca:N.")

    device: str = Field("auto", description="auto, cpu, cuda or cuda:N.")
    precision: str = Field("auto", description="auto, float32, bfloat16 or int8.")
    batch_size: int = Field(32, ge=1, le=1024, description="Pictures a batch.")
    threads: int | None = Field(None, ge=1, le=256, description="Decoding threads; default: cores.")
    max_bytes: int = Field(32 * 1024 * 1024, ge=1, description="Most bytes of one picture.")
    max_pixels: int = Field(100_000_000, ge=1, description="Most pixels of one picture.")

    url_hosts: str | None = Field(
        None, description="Hosts that pictures are fetched from, with commas; without, none is."
    )
    url_timeout: float = Field(
        10, gt=0, le=300, description="Seconds that fetching one picture may take."
    )

    host: str = Field("127.0.0.1", description="Address the server binds.")
    port: int = Field(8000, ge=0, le=65535, description="Port the server binds; 0: a free one.")
    keys: str | None = Field(
        None, min_length=1, description="File of API keys; without one, all is open."
    )
    anonymous: bool = Field(
        False, description="Bind an address that others can reach though there are no keys."
    )
    hosts: str | None = Field(
        None, description="More names the server is reached by, with commas; * for any."
    )
    cors_origins: str | None = Field(
        None, description="Origins whose pages may use the server, with commas."
    )
    address_ttl: int = Field(
        900, ge=1, le=604_800, description="Seconds that a signed address of a picture is valid."
    )
    api_key: SecretStr | None = Field(
        None, description="Key that commands send to a server named as index."
    )
    max_limit: int = Field(MAX_LIMIT, ge=1, le=MAX_LIMIT, description="Most hits of one answer.")
    max_terms: int = Field(16, ge=1, le=MAX_TERMS, description="Most terms of one query.")
    max_filter_depth: int = Field(16, ge=1, le=64, description="How deep a filter may be nested.")
    max_filter_conditions: int = Field(
        256, ge=1, le=10_000, description="Most conditions and values of one filter."
    )
    max_explained: int = Field(
        20, ge=1, le=100, description="Most hits of one answer that is explained."
    )
    max_depth: int = Field(
        10_000, ge=1, le=100_000, description="How many hits can be paged through."
    )
    max_feedback: int = Field(
        100_000, ge=0, description="Most judgements that an index keeps; 0: none are taken."
    )
    max_concurrent: int | None = Field(
        None, ge=1, le=1024, description="Queries worked on at once; default: cores."
    )
    max_queue: int = Field(64, ge=0, le=10_000, description="Most queries that wait for a thread.")
    max_batch: int = Field(
        32, ge=1, le=1024, description="Most pictures of queries in one batch; 1: each alone."
    )
    thumbnail_cache: int = Field(
        64 * 1024 * 1024, ge=0, description="Bytes of thumbnails that a server keeps; 0: none."
    )
    request_timeout: float = Field(
        30, gt=0, le=3600, description="Seconds that an answer may take once its request is whole."
    )
    body_timeout: float = Field(
        60, gt=0, le=3600, description="Seconds within which a request's body has to be whole."
    )
    log_format: str = Field("text", pattern="^(text|json)$", description="text or json.")
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="debug, info, warning or error."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags first, then the environment, then the TOML file."""
        file = TomlConfigSettingsSource(settings_cls, config_file())
        return init_settings, env_settings, file


def config_file() -> Path:
    """Return the TOML file read: HUEWEAVE_CONFIG, or hueweave.toml in the working folder."""
    return Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG))


def load_settings(**flags: Any) -> Settings:
    """Return the settings; a flag that is None was not given.

    Raises SettingsError naming the setting, its value and what would be right.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    if named and not Path(named).is_file():
        raise SettingsError(f"{CONFIG_VARIABLE} names {named!r}, which is no file")
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            close = get_close_matches(name, Settings.model_fields, 1)
            hint = f": did you mean {close[0]!r}?" if close else ""
            raise SettingsError(f"{str(config_file())!r} has no setting {name!r}{hint}") from error
        raise SettingsError(
            f"setting {name!r} has value {first['input']!r}: {first['msg'].lower()}"
        ) from error
    except ValueError as error:
        raise SettingsError(f"{str(config_file())!r} is not TOML: {error}") from error


def parse_blocks(text: str) -> tuple[int, ...]:
    """Return the blocks that ``1-4``, ``2,4`` or ``1-2,5`` name, rising; raises SettingsError."""
    blocks: set[int] = set()
    try:
        for part in text.split(","):
            first, _, last = part.strip().partition("-")
            asked = range(int(first), int(last or first) + 1)
            blocks |= set(asked) if len(asked) <= len(BLOCKS) else {0}
    except ValueError:
        blocks = set()
    if not blocks or not blocks <= set(BLOCKS):
        raise SettingsError(
            f"setting 'blocks' has value {text!r}: expected blocks out of 1 to 5, "
            "such as 1-4 or 2,4"
        )
    return tuple(sorted(blocks))
