"""The manifest: read back as it was written, migrated from older releases, never half read."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from indexer import manifest_file as module
from indexer.catalog import Catalog
from indexer.errors import IndexFolderError, SchemaError
from indexer.local import LocalStore
from indexer.lock import writer_lock
from indexer.manifest import SCHEMA_VERSION, Manifest, SegmentFile
from indexer.manifest_file import CATALOG, check_manifest, read_manifest, write_manifest
from tests.fakes import manifest
from tests.indexer.manifests import full, of_schema_3


def document(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the file as somebody would who seals it again."""
    changed = document(folder)
    change(changed)
    changed.pop("sha256", None)
    if changed.get("schema_version") == SCHEMA_VERSION:
        changed["sha256"] = module._digest(changed)
    (folder / "manifest.json").write_text(json.dumps(changed))


@pytest.mark.parametrize("made", [manifest(), full(), manifest(preset="paper", metric="l2")])
def test_what_is_written_is_read_back_equal(tmp_path: Path, made: Manifest) -> None:
    write_manifest(tmp_path, made)
    assert read_manifest(tmp_path) == made
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_a_newer_schema_is_refused_with_its_version_and_left_alone(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest())
    rewrite(tmp_path, lambda d: d.update(schema_version=SCHEMA_VERSION + 7))
    before = (tmp_path / "manifest.json").read_bytes()
    with pytest.raises(SchemaError, match=f"has schema version {SCHEMA_VERSION + 7}.*upgrade"):
        read_manifest(tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == before


BACK = f"manifest.v{SCHEMA_VERSION - 2}.json"


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest two versions back, and the steps from there."""
    Catalog(tmp_path / CATALOG, writable=True).close()
    write_manifest(tmp_path, full())
    rewrite(
        tmp_path, lambda d: d.update(recipes=d.pop("recipe"), schema_version=SCHEMA_VERSION - 2)
    )
    steps = {
        SCHEMA_VERSION - 2: lambda d: {**d, "reciped": d["recipes"]},
        SCHEMA_VERSION - 1: lambda d: {
            **{k: v for k, v in d.items() if k[:-1] != "recipe"},
            "recipe": d["reciped"],
        },
    }
    monkeypatch.setattr(module, "MIGRATIONS", steps)
    return tmp_path


def test_an_older_schema_is_migrated_step_by_step_and_a_copy_kept(older: Path) -> None:
    before = (older / "manifest.json").read_bytes()
    assert read_manifest(older) == full()
    assert document(older)["schema_version"] == SCHEMA_VERSION
    assert (older / BACK).read_bytes() == before
    assert read_manifest(older) == full()


def first(folder: Path, **changes: object) -> None:
    """Make the manifest one of schema version 1, which had no identity."""
    Catalog(folder / CATALOG, writable=True).close()
    rewrite(
        folder,
        lambda d: (
            d.pop("identity"),
            d.update(of_schema_3(d)),
            d.update(schema_version=1, **changes),
        ),
    )


def test_an_index_of_schema_1_gets_an_identity_that_is_the_same_each_time(tmp_path: Path) -> None:
    write_manifest(tmp_path, full("l2"))
    first(tmp_path)
    with writer_lock(tmp_path):  # so that nothing is kept of what is read
        found = [read_manifest(tmp_path) for _ in range(2)]
        assert found[0] == found[1] == replace(full("l2"), identity=found[0].identity)
        first_made = found[0].identity
        assert len(first_made) == 32
    assert read_manifest(tmp_path).identity == first_made  # now it is kept
    assert document(tmp_path)["identity"] == first_made
    assert json.loads((tmp_path / "manifest.v1.json").read_text())["schema_version"] == 1


@pytest.mark.parametrize("changes", [{"created": "2025-02-03"}, {"recipe": {"other": "recipe"}}])
def test_indexes_of_schema_1_made_at_other_times_or_from_others_have_other_identities(
    changes: dict[str, object],
) -> None:
    old = {"created": "2025-01-01", "recipe": {"a": "recipe"}, "pools": {}, "spaces": {}}
    found = [module.migrate({**old, **more}, 1)["identity"] for more in ({}, changes)]
    assert found[0] != found[1]
    # The generation changes with every build, and which index it is does not.
    assert module.migrate({**old, "generation": 7}, 1)["identity"] == found[0]


@pytest.mark.parametrize("name", ["created", "recipe"])
def test_an_index_of_schema_1_without_what_its_identity_is_made_from_is_damaged(
    tmp_path: Path, name: str
) -> None:
    write_manifest(tmp_path, full("l2"))
    first(tmp_path)
    rewrite(tmp_path, lambda d: d.pop(name))
    with pytest.raises(IndexFolderError, match=rf"manifest\.json' is damaged: KeyError\('{name}'"):
        read_manifest(tmp_path)


def test_an_index_of_schema_3_keeps_its_means(tmp_path: Path) -> None:
    write_manifest(tmp_path, full("l2"))
    Catalog(tmp_path / CATALOG, writable=True).close()
    rewrite(tmp_path, lambda d: d.update(of_schema_3(d)))
    assert read_manifest(tmp_path) == full("l2")
    assert json.loads((tmp_path / "manifest.v3.json").read_text())["schema_version"] == 3


def test_an_index_of_schema_4_has_segments_that_were_not_tuned(tmp_path: Path) -> None:
    made = full()
    Catalog(tmp_path / CATALOG, writable=True).close()
    write_manifest(tmp_path, made)
    rewrite(tmp_path, of_schema_4)
    read = read_manifest(tmp_path)
    assert (read.profile, read.recall, read.index_type) == ("small", 0.97, made.index_type)
    assert read.generation is not None
    assert made.generation is not None
    for name, files in made.generation.segments.items():
        plain = [SegmentFile(one.path, one.sha256) for one in files]
        assert read.generation.segments[name] == plain


def of_schema_4(document: dict[str, Any]) -> None:
    del document["profile"], document["recall"]
    for files in document["generation"]["segments"].values():
        for one in files:
            del one["halves"], one["tuning"]
    document["schema_version"] = 4


def test_statistics_are_the_same_once_written_and_read(tmp_path: Path) -> None:
    write_manifest(tmp_path, full())
    assert read_manifest(tmp_path).statistics == full().statistics


def test_migration_is_done_in_memory_while_another_process_writes(older: Path) -> None:
    with writer_lock(older):
        assert read_manifest(older) == full()
    assert document(older)["schema_version"] == SCHEMA_VERSION - 2
    assert not (older / BACK).exists()


def test_a_version_that_no_step_starts_from_is_refused(older: Path) -> None:
    rewrite(older, lambda d: d.update(schema_version=0))
    with pytest.raises(SchemaError, match="schema version 0 cannot be migrated: known are 3, 4, 5"):
        read_manifest(older)


def test_an_older_manifest_that_is_damaged_is_said_to_be(older: Path) -> None:
    rewrite(older, lambda d: d.pop("recipes"))
    with pytest.raises(IndexFolderError, match=r"manifest\.json' is damaged: KeyError"):
        read_manifest(older)


def test_a_missing_index_and_a_folder_that_is_none_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError, match=r"no index at '.*nowhere': make one with"):
        read_manifest(tmp_path / "nowhere")
    with pytest.raises(IndexFolderError, match=r"is not an index: it has no manifest\.json"):
        read_manifest(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(IndexFolderError, match="no index at"):
        read_manifest(tmp_path / "file")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"null", b"[]", b"7", b'"x"', b"\xff\xfe", b"{}", b'{"schema_version": {}}']
)
def test_damaged_json_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(data)
    with pytest.raises(IndexFolderError, match=r"manifest\.json' is damaged"):
        read_manifest(tmp_path)


def _paths(value: object, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return []
    return [path for key in value for path in [(*at, key), *_paths(value[key], (*at, key))]]


# Keys of these tables are names, and fields with a default may be missing.
_OPTIONAL = {"index_type", "preprocess", "pools", "spaces", "attributes", "segments", "references"}


def test_every_missing_field_is_damage_with_a_clear_error(tmp_path: Path) -> None:
    write_manifest(tmp_path, full())
    whole = document(tmp_path)
    paths = [path for path in _paths(whole) if path != ("index_type",)]
    checked = 0
    for path in paths:
        if len(path) > 1 and path[-2] in _OPTIONAL:
            continue
        broken = json.loads(json.dumps(whole))
        parent = broken
        for step in path[:-1]:
            parent = parent[step]
        del parent[path[-1]]
        (tmp_path / "manifest.json").write_text(json.dumps(broken))
        with pytest.raises(IndexFolderError, match="is damaged"):
            read_manifest(tmp_path)
        checked += 1
    assert checked > 30


@pytest.mark.parametrize("field", ["recipe", "pools", "spaces", "attributes", "generation"])
@pytest.mark.parametrize("value", [7, "text", [1]])
def test_a_field_of_another_type_is_damage_with_a_clear_error(
    tmp_path: Path, field: str, value: object
) -> None:
    write_manifest(tmp_path, full())
    rewrite(tmp_path, lambda d: d.update({field: value}))
    with pytest.raises(IndexFolderError, match="is damaged"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["attributes"].update(color="block9-gap"),
        lambda d: d["pools"].update({"1-max": 6}),
        lambda d: d["pools"].update({"one-gap": 6}),
        lambda d: d.update(surplus=1),
        lambda d: d["generation"].update(segments=[]),
    ],
)
def test_a_field_that_makes_no_sense_is_damage(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    write_manifest(tmp_path, full())
    rewrite(tmp_path, change)
    with pytest.raises(IndexFolderError, match="is damaged"):
        read_manifest(tmp_path)


def test_a_store_says_what_is_wrong_with_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(IndexFolderError, match="is damaged"):
        LocalStore(tmp_path)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """An index whose manifest has its copy in the catalog."""
    catalog = Catalog(tmp_path / CATALOG, writable=True)
    write_manifest(tmp_path, full(), catalog)
    catalog.close()
    return tmp_path


def test_every_flipped_byte_is_found_and_healed_from_the_catalogs_copy(copied: Path) -> None:
    path = copied / "manifest.json"
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        damaged = bytearray(whole)
        damaged[at] ^= 0x01
        path.write_bytes(damaged)
        # A space for a tab, say, is no damage to what it says.
        if check_manifest(copied) is not None:
            assert read_manifest(copied) == full()
            assert path.read_bytes() == whole, "and written again"
        assert read_manifest(copied) == full()


def test_damage_is_healed_in_memory_only_while_another_process_writes(copied: Path) -> None:
    (copied / "manifest.json").write_bytes(b"{")
    with writer_lock(copied):
        assert read_manifest(copied) == full()
    assert (copied / "manifest.json").read_bytes() == b"{"
    assert "is damaged" in (check_manifest(copied) or "")


def test_damage_is_named_when_the_copy_is_damaged_too(copied: Path) -> None:
    (copied / "manifest.json").write_bytes(b"{")
    catalog = Catalog(copied / CATALOG)
    with catalog.transaction():
        catalog.put_document("manifest", "{}")
    catalog.close()
    with pytest.raises(IndexFolderError, match=r"manifest\.json' is damaged"):
        read_manifest(copied)
