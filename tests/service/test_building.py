"""Settings to a finished index: what is refused first, what is made, what is left alone."""

from pathlib import Path
from typing import Any

import pytest

import models.loading
import service.building
from indexer.build import BuildOptions
from indexer.creation import is_index
from indexer.errors import IndexBusyError, IndexFolderError, RecipeMismatchError, SourceError
from indexer.lock import writer_lock
from indexer.manifest_file import read_manifest
from indexer.watching import Watcher
from models.errors import HueweaveError, UnknownNameError, WeightsError
from models.loading import Loaded
from service.building import build_index, check_same_recipe, make_index, plan_index
from service.settings import Settings, load_settings
from tests.fakes import FAKE, RECIPE, FakeExtractor, random_colors, write_pictures


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> FakeExtractor:
    """The fake network, in place of any that is loaded for a new index."""
    extractor: Any = FakeExtractor()
    monkeypatch.setattr(models.loading, "load_new", lambda *_: Loaded(RECIPE, extractor))
    monkeypatch.setattr(service.building, "get_backbone", lambda name: FAKE)
    return extractor


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


def settings(index: Path, **more: object) -> Settings:
    return load_settings(index=str(index), backbone="fake", **more)


def run(source: Path, wanted: Settings, **options: Any) -> Any:
    return build_index(str(source), wanted, BuildOptions(**options), Watcher(), lambda notice: None)


def test_first_build_makes_the_index_the_settings_describe(
    index: Path, pictures: Path, network: FakeExtractor
) -> None:
    report = run(pictures, settings(index, preset="paper", metric="l2", blocks="2,4,1"))
    made = read_manifest(index)
    assert (report.items, network.pictures) == (20, 20)
    assert (made.preset, made.blocks, made.index_type) == ("paper", (1, 2, 4), "auto")
    assert {space.metric for space in made.spaces.values()} == {"l2"}


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, ("small", 0.97)),
        ({"profile": "fast"}, ("fast", 0.99)),
        ({"profile": "fast", "recall": 0.8}, ("fast", 0.8)),
    ],
)
def test_a_profile_has_a_recall_of_its_own_unless_one_is_given(
    index: Path, network: FakeExtractor, given: dict[str, object], made: tuple[str, float]
) -> None:
    manifest, _ = plan_index(settings(index, **given), lambda notice: None)
    assert (manifest.profile, manifest.recall) == made


def test_second_build_loads_no_network_and_the_third_one_the_pinned_network(
    index: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(pictures, settings(index))
    pinned: list[object] = []

    def load(manifest: Any, *_: object) -> FakeExtractor:
        pinned.append(manifest.recipe)
        return FakeExtractor()

    monkeypatch.setattr(service.building, "pinned_extractor", load)
    assert run(pictures, settings(index)).plan.unchanged == 20
    assert pinned == []
    write_pictures(pictures, {"new.png": (1, 2, 3)})
    assert run(pictures, settings(index)).embedded == 1
    assert pinned == [RECIPE]


@pytest.mark.parametrize(
    ("source", "more", "options", "error"),
    [
        ("none", {}, {}, SourceError),
        ("empty", {}, {}, SourceError),
        ("pictures", {}, {"indexed_columns": ("prize",)}, UnknownNameError),
        ("pictures", {"index_type": "Nope"}, {}, HueweaveError),
        ("pictures", {"preset": "best"}, {}, UnknownNameError),
        ("pictures", {"metric": "l3"}, {}, UnknownNameError),
        ("pictures", {"blocks": "9"}, {}, HueweaveError),
    ],
)
def test_wrong_call_leaves_no_index(
    tmp_path: Path,
    index: Path,
    pictures: Path,
    source: str,
    more: dict[str, str],
    options: dict[str, object],
    error: type[Exception],
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(error):
        run(tmp_path / source, settings(index, **more), **options)
    assert not index.exists()


def test_folder_with_something_else_in_it_is_left_alone(index: Path, pictures: Path) -> None:
    index.mkdir()
    (index / "letter.txt").touch()
    with pytest.raises(IndexFolderError, match="not an index and not empty"):
        run(pictures, settings(index))
    assert [path.name for path in index.iterdir()] == ["letter.txt"]


def test_index_somebody_else_writes_to_is_busy(index: Path, pictures: Path) -> None:
    run(pictures, settings(index))
    with writer_lock(index), pytest.raises(IndexBusyError):
        run(pictures, settings(index))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("preset", "paper", "made with preset 'default', not 'paper'"),
        ("blocks", "1-3", "made with blocks '1,2,3,4', not '1,2,3'"),
        ("metric", "l2", "made with metric 'cosine', not 'l2'"),
        ("index_type", "HNSW16", "made with index_type 'Flat', not 'HNSW16'"),
        ("backbone", "resnet50", "made with backbone 'fake', not 'resnet50'"),
    ],
)
def test_setting_other_than_the_index_was_made_with_is_refused(
    fake_index: Path, name: str, value: str, words: str
) -> None:
    with pytest.raises(RecipeMismatchError, match=words):
        check_same_recipe(fake_index, load_settings(**{name: value}))


@pytest.mark.parametrize(
    "same",
    [{}, {"blocks": "1-4"}, {"blocks": "4,3,2,1"}, {"backbone": "auto"}, {"metric": "cosine"}],
)
def test_setting_that_says_the_same_otherwise_passes(
    fake_index: Path, same: dict[str, str]
) -> None:
    assert check_same_recipe(fake_index, load_settings(**same)) == read_manifest(fake_index)


def test_weights_under_another_name_are_held_against_the_index(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise WeightsError("not the ones")

    monkeypatch.setattr(service.building, "pinned_extractor", refuse)
    check_same_recipe(fake_index, load_settings(weights=RECIPE.weights))
    with pytest.raises(WeightsError, match="not the ones"):
        check_same_recipe(fake_index, load_settings(weights="other.pth"))


def test_new_index_is_empty_and_ready_to_be_filled(index: Path, tmp_path: Path) -> None:
    make_index(index, settings(index), lambda notice: None)
    assert is_index(index)
    assert read_manifest(index).generation is None
    write_pictures(tmp_path / "p", random_colors(3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service.building, "pinned_extractor", lambda *_: FakeExtractor())
        assert run(tmp_path / "p", settings(index)).items == 3
