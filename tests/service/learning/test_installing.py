"""A learned attribute in an index: its vectors are those that were judged."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.local import LocalStore
from indexer.manifest_file import read_manifest
from models.images import Limits
from service.evaluation.evaluating import vectors_of
from service.learning.choosing import Search
from service.learning.errors import LearningError
from service.learning.fitting import Fitted, Options, Subject, fit, pose, subject_of, with_root_of
from service.learning.free import free_spaces, without_labels
from service.learning.installing import install, reset, space_of
from service.learning.labels import find_labels, slots_of
from service.learning.roots import sets_of
from service.settings import load_settings
from tests.api.conftest import open_fake
from tests.serving import serving


def learned(index: Path, mix: float | None = None) -> tuple[Fitted, Subject, np.ndarray]:
    """Return what is learned of `kind`, from what, and the vectors it was judged by."""
    store = LocalStore(index, read_only=True)
    labels = find_labels(store, "kind", None, None)
    subject = subject_of(store, labels, "kind", Options())
    fitted = fit(store, subject, Options())
    best = fitted.search.best
    if mix is not None:
        fitted = replace(fitted, mix=mix)
    problem, _, _ = pose(
        store, subject, sets_of(subject.pools), with_root_of(store, subject.pools), 0
    )
    [found] = best.way.train(problem, np.arange(len(subject.codes)), np.zeros(0, np.int64))
    vectors = found.embed(problem.coordinates[best.way.name])
    share = fitted.mix
    joined = np.concatenate([np.sqrt(1 - share) * vectors, np.sqrt(share) * problem.free], axis=1)
    store.close()
    return fitted, subject, joined if share else vectors


@pytest.mark.parametrize("mix", [0.0, 0.3])
def test_vectors_of_the_bound_space_are_the_learned_ones(kinds_index: Path, mix: float) -> None:
    fitted, subject, expected = learned(kinds_index, mix)
    install(kinds_index, "kind", space_of(fitted))
    store = LocalStore(kinds_index)
    space = store.manifest.space_of_attribute("kind")
    assert space.metric == "cosine"
    found = store.view().vectors(space, subject.slots)
    assert found == pytest.approx(expected, abs=2e-3)
    assert vectors_of(store, space, subject.slots) == pytest.approx(expected, abs=2e-3)
    store.close()


def test_server_that_runs_searches_in_it_and_explains_it(kinds_index: Path) -> None:
    with serving(open_fake(kinds_index, Limits()), load_settings()) as client:
        fitted, _, _ = learned(kinds_index, 0.3)
        install(kinds_index, "kind", space_of(fitted))
        client.post("/v1/index/reload")
        names = [one["name"] for one in client.get("/v1/attributes").json()["attributes"]]
        assert "kind" in names
        terms = [{"attribute": "kind", "image": {"key": "03.png"}}]
        answer = client.post("/v1/search", json={"terms": terms, "limit": 10}).json()
        assert [hit["metadata"]["kind"] for hit in answer["hits"]].count("a") >= 8
        asked = {"query": {"terms": terms}, "key": "06.png"}
        assert client.post("/v1/explain", json=asked).status_code == 200


def test_what_is_held_against_is_never_what_labels_have_taught(kinds_index: Path) -> None:
    fitted, _, _ = learned(kinds_index, 0.3)
    own = read_manifest(kinds_index)
    assert free_spaces(own, "color") == [own.space_of_attribute("color")]
    assert len(free_spaces(own, "kind")) == 2
    space = space_of(fitted)
    install(kinds_index, "kind", space)
    [held] = free_spaces(read_manifest(kinds_index), "kind")
    assert [one.method for one in held.branches] == [one.method for one in fitted.free.branches]
    install(kinds_index, "color", space_of(replace(fitted, mix=0.0)))
    manifest = read_manifest(kinds_index)
    assert without_labels(manifest.space_of_attribute("color")) is None
    [first] = free_spaces(manifest, "color")
    assert first.is_like(own.space_of_attribute("color"))


def test_reset_goes_back_to_what_the_index_was_made_with(kinds_index: Path) -> None:
    own = read_manifest(kinds_index)
    fitted, _, _ = learned(kinds_index, 0.3)
    for mix in (0.3, 0.0):
        install(kinds_index, "color", space_of(replace(fitted, mix=mix)))
    before, now = reset(kinds_index, "color")
    assert before.startswith(space_of(fitted).name)
    assert now == own.attributes["color"]
    after = read_manifest(kinds_index)
    assert after.attributes == own.attributes
    assert after.spaces == own.spaces
    assert reset(kinds_index, "color") == (now, now)


def test_attribute_that_came_later_has_nothing_to_go_back_to(kinds_index: Path) -> None:
    fitted, _, _ = learned(kinds_index, 0.3)
    install(kinds_index, "kind", space_of(fitted))
    with pytest.raises(LearningError, match="'kind' has nothing to go back to: the index was made"):
        reset(kinds_index, "kind")


def test_learning_again_gives_the_same_name_and_the_same_space(kinds_index: Path) -> None:
    one, other = learned(kinds_index)[0], learned(kinds_index)[0]
    assert isinstance(one.search, Search)
    assert space_of(one).name == space_of(other).name
    assert space_of(one).is_like(space_of(other))


def test_sample_takes_slots_of_labelled_and_others(kinds_index: Path, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text(
        "key,kind\n" + "".join(f"{at:02}.png,{'ab'[at % 2]}\n" for at in range(10, 30))
    )
    store = LocalStore(kinds_index)
    labels = find_labels(store, "kind", tmp_path / "l.csv", None)
    subject = subject_of(store, labels, "kind", Options(blocks=(2, 3)))
    assert set(subject.slots) == set(slots_of(labels.items))
    assert len(set(subject.slots) | set(subject.others)) == 60
    assert {pool.block for pool in subject.pools} == {2, 3}
    store.close()
