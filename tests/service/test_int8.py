"""An index in int8, on a small real network: made, gone on with, searched, kept and mended."""

import shutil
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import indexer.creation
from indexer.backup import back_up
from indexer.build import BuildOptions, BuildReport
from indexer.errors import IndexFolderError
from indexer.local import LocalStore
from indexer.manifest_file import read_manifest
from indexer.sources import Entry
from indexer.watching import Watcher
from models.errors import PrecisionError, WeightsError
from service.adding import LocalChanger, add_pictures
from service.building import build_index, make_index, plan_index
from service.info import describe
from service.opening import Opener, open_index
from service.query import Query
from service.repair import repair_index
from service.settings import Settings, load_settings
from service.verify import verify
from tests.fakes import random_colors, write_pictures

Hits = list[tuple[str, float]]


def settings(index: Path, **more: object) -> Settings:
    return load_settings(index=str(index), device="cpu", **more)


def run(pictures: Path, wanted: Settings) -> BuildReport:
    return build_index(str(pictures), wanted, BuildOptions(), Watcher(), print)


@pytest.fixture(scope="module")
def built(small_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 20 pictures, and an index of them in int8."""
    folder = tmp_path_factory.mktemp("int8")
    write_pictures(folder / "pictures", random_colors(20))
    run(folder / "pictures", new(folder / "index", small_weights))
    return folder


def new(index: Path, weights: Path) -> Settings:
    return settings(
        index, backbone="resnet18", weights=str(weights), blocks="1-2", precision="int8"
    )


@pytest.fixture
def pictures(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built / "pictures", tmp_path / "pictures")
    return tmp_path / "pictures"


@pytest.fixture
def index(built: Path, tmp_path: Path) -> Path:
    """A copy of that index, to be changed."""
    shutil.copytree(built / "index", tmp_path / "index")
    return tmp_path / "index"


def hits(index: Path, pictures: Path, **more: object) -> Hits:
    """What a picture that was indexed finds, by its bytes."""
    query = {"terms": [{"attribute": "color", "image": {"part": "a"}}], "limit": 5}
    with closing(open_index(settings(index, **more))) as opened:
        data = (pictures / "003.png").read_bytes()
        answer = opened.searcher.answer(Query.model_validate(query), {"a": data})
        return [(hit.key, hit.terms[0].similarity) for hit in answer.hits]


def test_an_index_says_that_it_is_int8_and_by_which_network(index: Path) -> None:
    with closing(LocalStore(index)) as store:
        found = describe(store)
    (network,) = (index / "networks").iterdir()
    assert (found.items, found.precision) == (20, "int8")
    assert network.name == f"{found.network_sha256}.zip"
    assert found.bytes_on_disk["networks"] == network.stat().st_size


def test_a_picture_finds_itself_whatever_else_is_asked_at_once(index: Path, pictures: Path) -> None:
    found = hits(index, pictures)
    assert found[0][0] == "003.png"
    assert found[0][1] == pytest.approx(1, abs=1e-3)
    assert hits(index, pictures, precision="int8") == found


def test_the_weights_need_not_be_there_once_it_is_made(
    built: Path, index: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.loading.find_weights", None)
    assert hits(index, pictures)[0][0] == "003.png"


def test_other_numbers_are_refused(index: Path, pictures: Path, small_weights: Path) -> None:
    with pytest.raises(PrecisionError, match="made in int8, float32 is asked for"):
        hits(index, pictures, precision="float32")
    with pytest.raises(PrecisionError, match="made in int8, bfloat16 is asked for"):
        run(pictures, settings(index, precision="bfloat16"))
    floats = index.with_name("floats")
    make_index(floats, settings(floats, backbone="resnet18", weights=str(small_weights),
                                blocks="1-2"), print)  # fmt: skip
    with pytest.raises(PrecisionError, match="made without int8, int8 is asked for"):
        run(pictures, settings(floats, precision="int8"))
    assert PrecisionError.exit_code == 2


def test_a_build_goes_on_with_the_network_there_is(index: Path, pictures: Path) -> None:
    before = read_manifest(index).recipe
    assert run(pictures, settings(index, precision="int8")).embedded == 0
    write_pictures(pictures, {"more.png": (9, 90, 20)})
    assert run(pictures, settings(index)).embedded == 1
    assert read_manifest(index).recipe == before
    assert [*verify(index)] == []


def test_a_build_cut_short_once_its_network_is_made_makes_the_same_again(
    built: Path, pictures: Path, small_weights: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    wanted = new(tmp_path / "cut", small_weights)
    with monkeypatch.context() as patched:
        patched.setattr(indexer.creation, "write_manifest", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(pictures, wanted)
    assert [*(tmp_path / "cut" / "networks").iterdir()]
    assert run(pictures, wanted).items == 20
    assert [one.name for one in (tmp_path / "cut" / "networks").iterdir()] == [
        one.name for one in (built / "index" / "networks").iterdir()
    ]


def test_a_picture_that_is_added_is_where_a_build_would_put_it(index: Path, pictures: Path) -> None:
    entries = [Entry("again", pictures / "003.png")]
    with closing(LocalChanger(settings(index))) as changer:
        report = add_pictures(entries, changer, settings(index), Watcher())
    assert (report.done, report.failed) == (1, [])
    with closing(LocalStore(index)) as store:
        items = {item.key: item.slot for item in store.items()}
        slots = np.array([items["again"], items["003.png"]])
        for rows in store.pools(slots, list(store.manifest.pools)).values():
            assert rows[0].tobytes() == rows[1].tobytes()


def test_damaged_pools_are_mended_to_the_bit(index: Path) -> None:
    path = index / "pools" / "2-gap.f16"
    whole = path.read_bytes()
    path.write_bytes(bytes(8) + whole[8:])
    assert repair_index(settings(index)).embedded == 1
    assert [*verify(index)] == []
    with closing(LocalStore(index)) as store:
        (slot,) = [item.slot for item in store.items() if item.key == "000.png"]
    stride = 2 * 64
    assert path.read_bytes()[slot * stride :][:stride] == whole[:stride]


def test_a_damaged_network_is_found_and_not_run(index: Path, pictures: Path) -> None:
    (network,) = (index / "networks").iterdir()
    data = bytearray(network.read_bytes())
    data[len(data) // 2] ^= 1
    network.write_bytes(data)
    (found,) = verify(index)
    assert "restore it from a backup" in found
    with pytest.raises(IndexFolderError, match="is damaged: its SHA-256"):
        hits(index, pictures)


def test_a_backup_answers_alike(index: Path, pictures: Path) -> None:
    with closing(LocalStore(index)) as store:
        back_up(store, index.with_name("saved"))
    expected = hits(index, pictures)
    shutil.rmtree(index)
    assert hits(index.with_name("saved"), pictures, read_only=True) == expected


def test_without_openvino_it_does_not_open_and_says_what_to_install(
    index: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(WeightsError, match=r"int8, which OpenVINO runs: `pip install openvino"):
        hits(index, pictures)


def test_several_indexes_of_one_network_share_it_and_one_of_floats_has_its_own(
    index: Path, small_weights: Path
) -> None:
    twin, floats = index.with_name("twin"), index.with_name("floats")
    shutil.copytree(index, twin)
    wanted = new(floats, small_weights).model_copy(update={"precision": "auto"})
    make_index(floats, wanted, print)
    opener = Opener(settings(index))
    opened = [opener(folder) for folder in (index, twin, floats)]
    networks = [one.searcher.extractor for one in opened]
    assert networks[0] is networks[1]
    assert networks[2] is not networks[0]
    # A new index takes none of an int8 one's.
    known = [one for one in opener.known() if one.recipe.quantized]
    _, loaded = plan_index(wanted, print, None, known)
    assert loaded.extractor is not networks[0]
    for one in opened:
        one.close()


def test_an_empty_index_is_refused_before_weights_are_looked_for(
    tmp_path: Path, small_weights: Path
) -> None:
    wanted = new(tmp_path / "empty", small_weights.with_name("none"))
    with pytest.raises(PrecisionError, match="`hueweave build --precision int8` makes an index"):
        make_index(tmp_path / "empty", wanted, print)
    assert not (tmp_path / "empty").exists()


def test_heat_maps_sum_to_the_similarity(index: Path, pictures: Path) -> None:
    query = {
        "terms": [{"attribute": "color", "image": {"key": "003.png"}}],
        "limit": 3,
        "explain": True,
    }
    with closing(open_index(settings(index))) as opened:
        answer = opened.searcher.answer(Query.model_validate(query), {})
    for hit in answer.hits:
        (why,) = hit.why.terms  # type: ignore[union-attr]
        assert why.hit.total == pytest.approx(hit.terms[0].similarity, abs=0.005)
        assert sum(heat.total for heat in why.query) == pytest.approx(why.hit.total, abs=1e-3)
