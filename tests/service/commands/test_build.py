"""The last lines of a build: what came, what could not be read, what is gone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import service.building
from api.main import run
from indexer.build import BuildReport
from indexer.local import LocalStore
from indexer.records import Failure
from indexer.staging import Plan

PLAN = Plan(
    total=9,
    new=0,
    changed=0,
    relabelled=0,
    unchanged=0,
    failed_before=0,
    repeated=0,
    missing=0,
    vanished=0,
)
NOTHING = BuildReport(
    plan=PLAN, embedded=0, pruned=0, items=9, failure_count=0, failures=(), vanished=()
)
FAILURES = tuple(Failure(f"{n}.jpg", f"/p/{n}.jpg", 1, 1, "no picture") for n in range(25))


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command with a build that ends in a report; return stdout and the lines beside it."""

    def command(ending: BuildReport, *flags: str) -> tuple[str, list[str]]:
        monkeypatch.setattr(service.building, "build_index", lambda *_: ending)
        monkeypatch.setattr(service.building, "measure_losses", lambda _: [])
        assert run(["build", "pictures", "--index", "i", *flags]) == 0
        shown = capsys.readouterr()
        return shown.out.strip(), shown.err.splitlines()

    return command


def test_build_with_nothing_to_do_says_so(report: Any) -> None:
    assert report(NOTHING) == ("9 items in the index (nothing to do)", [])


def test_every_count_that_is_not_zero_is_told(report: Any) -> None:
    plan = replace(PLAN, unchanged=2, relabelled=3, repeated=4, vanished=1)
    ending = replace(NOTHING, plan=plan, embedded=1, pruned=6)
    assert report(ending, "--prune")[0] == (
        "9 items in the index (1 embedded, 2 unchanged, 3 relabelled, 4 named twice, 6 removed)"
    )


def test_unreadable_pictures_are_listed_up_to_a_point(report: Any) -> None:
    out, lines = report(replace(NOTHING, failure_count=25, failures=FAILURES))
    assert "25 unreadable" in out
    assert lines[0] == "unreadable: 0.jpg: no picture"
    assert len(lines) == 21
    assert lines[-1] == "… and 5 more, listed by `hueweave info --failures`"


def test_vanished_items_are_listed_with_the_flag_that_removes_them(report: Any) -> None:
    ending = replace(NOTHING, plan=replace(PLAN, vanished=2), vanished=("a.jpg", "b.jpg"))
    assert report(ending)[1] == [
        "vanished: a.jpg",
        "vanished: b.jpg",
        "2 items are no longer in the source; --prune removes them",
    ]
    assert report(ending, "--prune")[1] == []


def test_reduced_index_says_what_it_loses(
    labelled_pictures: Path, network: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = str(tmp_path / "small")
    made = ["build", str(labelled_pictures), "--index", index, "--backbone", "fake"]
    assert run([*made, "--reduce", "pca:4"]) == 0
    told = capsys.readouterr().err
    assert "color: 4 of 14 numbers keep " in told
    assert "texture: 4 of 12 numbers keep " in told
    assert "of the ten nearest, by a sample of 24 items" in told
    store = LocalStore(Path(index))
    widths = [store.manifest.dimension(store.manifest.spaces[n]) for n in ("block4-gap",)]
    vectors = store.view().vectors(store.manifest.space_of_attribute("texture"), np.arange(3))
    assert (widths, vectors.shape) == ([12], (3, 4))
    store.close()
    assert run([*made, "--reduce", "pca:5"]) == 2
    assert "was made with reduce 'pca:4', not 'pca:5'" in capsys.readouterr().err
    assert run([*made, "--reduce", "none:4"]) == 2
