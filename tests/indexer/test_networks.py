"""Networks that an index keeps: known by their SHA-256, whole or told to be damaged."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from indexer.errors import IndexFolderError
from indexer.networks import (
    check_networks,
    drop_networks,
    network_path,
    read_network,
    write_network,
)
from tests.fakes import RECIPE

DATA = b"a network"
DIGEST = sha256(DATA).hexdigest()


def test_a_network_is_found_by_its_digest(tmp_path: Path) -> None:
    write_network(tmp_path, DATA)
    write_network(tmp_path, DATA)
    assert read_network(tmp_path, DIGEST) == DATA
    assert [*tmp_path.rglob("*.*")] == [network_path(tmp_path, DIGEST)]


def test_one_that_is_lost_or_damaged_is_not_taken(tmp_path: Path) -> None:
    recipe = replace(RECIPE, quantized=DIGEST)
    with pytest.raises(IndexFolderError, match="No such file"):
        read_network(tmp_path, DIGEST)
    (lost,) = check_networks(tmp_path, recipe)
    assert "restore it from a backup" in lost
    write_network(tmp_path, DATA)
    assert [*check_networks(tmp_path, recipe)] == []
    network_path(tmp_path, DIGEST).write_bytes(DATA[:-1])
    with pytest.raises(IndexFolderError, match=rf"{DIGEST}\.zip' is damaged"):
        read_network(tmp_path, DIGEST)
    (damaged,) = check_networks(tmp_path, recipe)
    assert "is damaged" in damaged


def test_an_index_of_floats_needs_none(tmp_path: Path) -> None:
    assert [*check_networks(tmp_path, RECIPE)] == []


def test_networks_of_a_making_that_was_cut_short_go(tmp_path: Path) -> None:
    drop_networks(tmp_path)
    write_network(tmp_path, DATA)
    drop_networks(tmp_path)
    assert [*(tmp_path / "networks").iterdir()] == []
