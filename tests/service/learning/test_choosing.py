"""The search: what is tried, and that the best comes first."""

from dataclasses import replace

import numpy as np
import pytest

from models.errors import UnknownNameError
from service.learning.choosing import search
from tests.service.learning.made import codes_of, problem


def test_all_sets_ridges_a_student_and_mixes_are_tried() -> None:
    steps = list[tuple[int, int]]()
    found = search(problem(codes_of(3, 8), others=20), "lda", tick=lambda *at: steps.append(at))
    ways = {(one.way.method, one.way.name) for one in found.tried}
    names = ("1-gap", "1-foreground", "1", "2", "all")
    assert {one for one in ways if one[0] == "lda"} == {("lda", name) for name in names}
    taught = [method for method, name in ways if method != "lda" and name == "all"]
    assert len(taught) == 2
    assert "lda, taught by label-free" in taught
    assert {one.mix for one in found.tried} == {0.0, 0.15, 0.3, 0.5}
    assert len(found.tried) == 5 * 6 + 2 * 3 + 3
    assert steps[-1][0] == steps[-1][1]
    plain = [one.scores.map for one in found.tried if not one.mix]
    assert plain == sorted(plain, reverse=True)


def test_without_others_there_is_no_student() -> None:
    found = search(problem(codes_of(3, 8), others=5), "lda")
    assert {one.way.method for one in found.tried} == {"lda"}


def test_distances_are_not_mixed_with_cosines() -> None:
    found = search(replace(problem(codes_of(3, 8)), metric="l2"), "lda")
    assert {one.mix for one in found.tried} == {0.0}


def test_two_classes_always_have_a_share_of_the_label_free_space() -> None:
    found = search(problem(codes_of(2, 12)), "lda")
    assert 0.0 not in {one.mix for one in found.tried}


@pytest.mark.parametrize("method", ["whiten", "nca"])
def test_other_methods_are_searched_alike(method: str) -> None:
    found = search(problem(codes_of(3, 8)), method)
    assert all(one.way.method.startswith(method) for one in found.tried)
    assert {one.way.name for one in found.tried} >= {"1", "2", "all"}


def test_unknown_method_is_named() -> None:
    with pytest.raises(UnknownNameError, match="unknown method 'svm': expected one of lda, nca"):
        search(problem(codes_of(3, 8)), "svm")


def test_space_held_against_is_scored_on_the_same_items() -> None:
    posed = problem(codes_of(3, 8))
    found = search(posed, "lda")
    assert np.array_equal(found.free.asked, found.best.scores.asked)
    assert found.free.map < found.best.scores.map
