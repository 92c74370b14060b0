"""Opening an index: the right folder, the right limits, exactly the pinned network."""

import gc
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from weakref import ref

import pytest

import models.loading
import service.opening
from indexer.errors import IndexFolderError
from indexer.local import LocalStore
from models.errors import WeightsError
from service.batching import Alone, Batcher
from service.errors import SettingsError
from service.opening import Opener, batcher_of, index_folder, limits, open_index, pinned_extractor
from service.query import Query
from service.settings import load_settings
from tests.fakes import FakeExtractor


def test_folder_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--index DIR or HUEWEAVE_INDEX"):
        index_folder(load_settings())
    with pytest.raises(SettingsError, match="'https://a' is a server"):
        index_folder(load_settings(index="https://a"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert index_folder(load_settings(index="~/i")) == tmp_path / "i"


def test_limits_are_those_of_the_settings() -> None:
    found = limits(load_settings(max_bytes=7, max_pixels=9))
    assert (found.max_bytes, found.max_pixels) == (7, 9)


def test_network_is_loaded_as_the_manifest_pins_it(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def pinned(*arguments: Any) -> SimpleNamespace:
        asked.extend(arguments)
        return SimpleNamespace(extractor=FakeExtractor())

    monkeypatch.setattr(models.loading, "load_pinned", pinned)
    store = LocalStore(fake_index)
    settings = load_settings(weights="there.pth", device="cpu", precision="float32")
    pinned_extractor(store.manifest, settings)
    recipe, blocks, weights, runtime, _ = asked
    assert (recipe, blocks) == (store.manifest.recipe, (1, 2, 3, 4))
    assert (weights, runtime.device, runtime.precision) == ("there.pth", "cpu", "float32")
    store.close()


def test_opened_index_answers_within_the_limits_of_the_settings(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.opening, "pinned_extractor", lambda *_: FakeExtractor())
    opened = open_index(load_settings(index=str(fake_index), max_bytes=500))
    query = {"terms": [{"attribute": "color", "image": {"key": "001.png"}}], "limit": 1}
    answer = opened.searcher.answer(Query.model_validate(query), {})
    assert answer.hits[0].key == "001.png"
    assert opened.limits.max_bytes == 500
    opened.close()


def test_folder_that_is_no_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError, match="no index at"):
        open_index(load_settings(index=str(tmp_path / "none")))


def test_damaged_segment_whose_pools_are_damaged_too_shows_before_the_network_is_loaded(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise WeightsError("the network was loaded")

    monkeypatch.setattr(service.opening, "pinned_extractor", refuse)
    next(fake_index.glob("spaces/block1+2-foreground-whitened/*/segment-0.faiss")).write_bytes(
        b"no"
    )
    (fake_index / "pools" / "1-foreground.f16").write_bytes(b"")
    with pytest.raises(IndexFolderError, match="1-foreground"):
        open_index(load_settings(index=str(fake_index)))


def test_indexes_of_one_network_share_what_batches_for_it_and_a_new_network_has_its_own(
    fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[FakeExtractor] = []

    def load(*_: object) -> FakeExtractor:
        loaded.append(FakeExtractor())
        return loaded[-1]

    monkeypatch.setattr(service.opening, "pinned_extractor", load)
    opener = Opener(load_settings(read_only=True), server=True)
    first, second = opener(fake_index), opener(fake_index)
    one, other = (opened.searcher.embedder._run for opened in (first, second))
    assert isinstance(one, Batcher)
    assert one is other
    first.close()
    second.close()
    gone = ref(one)
    loaded.clear()
    del first, second, one, other
    gc.collect()
    assert gone() is None, "nothing holds a network that no index uses"
    third = opener(fake_index)
    assert isinstance(third.searcher.embedder._run, Batcher)
    assert len(loaded) == 1
    third.close()


@pytest.mark.parametrize(("server", "most"), [(False, 32), (True, 1)])
def test_a_command_and_a_server_told_so_batch_nothing(
    server: bool, most: int, fake_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.opening, "pinned_extractor", lambda *_: FakeExtractor())
    opener = Opener(load_settings(read_only=True, max_batch=most), server=server)
    opened = opener(fake_index)
    assert isinstance(opened.searcher.embedder._run, Alone)
    opened.close()


def test_network_on_a_processor_runs_a_batch_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    class OnCores(FakeExtractor):
        at_once = 3

    assert batcher_of(FakeExtractor(), 32)._at_once == 1
    found = batcher_of(OnCores(), 32)
    assert (found._at_once, found._most) == (3, 4)
