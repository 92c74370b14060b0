"""What an index tells about itself, against the manifest and the files it was made of."""

from pathlib import Path

from indexer.local import LocalStore
from service.info import describe, describe_failure
from service.opening import Opened
from tests.fakes import build_fake, manifest


def test_counts_and_origin_are_those_of_the_build(opened: Opened) -> None:
    found = describe(opened.store)
    assert (found.items, found.failures, found.generation) == (20, 0, 1)
    assert (found.backbone, found.preset, found.blocks) == ("fake", "default", [1, 2, 3, 4])
    assert found.recipe_sha256 == opened.store.manifest.recipe.digest
    assert (found.precision, found.network_sha256) == ("floats", None)


def test_spaces_tell_their_steps_and_which_are_fast(opened: Opened) -> None:
    spaces = {space.name: space for space in describe(opened.store).spaces}
    manifest = opened.store.manifest
    assert {name for name, space in spaces.items() if space.indexed} == set(
        manifest.attributes.values()
    )
    for name, space in manifest.spaces.items():
        assert spaces[name].pools == [str(pool) for pool in space.pools]
        assert spaces[name].rooted == spaces[name].pools
        whitened = name in manifest.attributes.values()
        assert spaces[name].methods == ["whitened" if whitened else "centred"]
        assert spaces[name].dimension == manifest.dimension(space)


def test_bytes_on_disk_are_those_of_the_files(opened: Opened, fake_index: Path) -> None:
    found = describe(opened.store).bytes_on_disk
    pools = sum(path.stat().st_size for path in (fake_index / "pools").iterdir())
    assert found["pools"] == pools
    assert {part for part, taken in found.items() if not taken} == {"media", "networks"}


def test_failure_tells_its_key_its_place_and_why(fake_index: Path, pictures: Path) -> None:
    (pictures / "bad.png").write_bytes(b"no")
    build_fake(fake_index, pictures)
    store = LocalStore(fake_index)
    assert describe(store).failures == 1
    found = describe_failure(store.failures()[0])
    assert (found.key, found.source) == ("bad.png", str(pictures / "bad.png"))
    assert "not a picture" in found.reason
    store.close()


def test_columns_tell_their_type_and_whether_they_are_indexed(
    tmp_path: Path, pictures: Path
) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f"path,price\n{pictures}/000.png,1.5\n")
    build_fake(tmp_path / "i", table)
    store = LocalStore(tmp_path / "i")
    columns = describe(store).columns
    assert [(one.name, one.type, one.indexed) for one in columns] == [("price", "number", False)]
    store.close()


def test_empty_index_has_no_generation_yet(tmp_path: Path) -> None:
    from indexer.creation import create_index

    create_index(tmp_path / "i", manifest())
    store = LocalStore(tmp_path / "i")
    found = describe(store)
    assert (found.items, found.generation) == (0, None)
    store.close()
