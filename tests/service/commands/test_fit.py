"""`hueweave fit`: learned, judged, installed or refused."""

import json
from pathlib import Path

import pytest

from api.main import run
from indexer.manifest import Manifest
from indexer.manifest_file import read_manifest
from tests.fakes import build_fake, manifest


def call(index: Path, *arguments: str) -> int:
    return run(["fit", *arguments, "--index", str(index)])


def test_learned_attribute_is_installed_beside_the_others(
    kinds_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(kinds_index, "kind") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("kind: 60 labelled pictures in 3 classes, 0 without a label, fake")
    assert "before: " in shown
    assert "after: learned" in shown
    assert "kind: searches in learned-" in shown
    attributes = read_manifest(kinds_index).attributes
    assert list(attributes) == ["color", "texture", "kind"]
    assert attributes["kind"].startswith("learned-")


def test_labels_that_cannot_be_seen_are_refused_and_nothing_is_installed(
    kinds_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_manifest(kinds_index)
    assert call(kinds_index, "whim") == 1
    shown = capsys.readouterr()
    assert "whim: not installed, since held-out labels are guessed" in shown.err
    assert "gain " in shown.out
    assert read_manifest(kinds_index) == before


def test_force_installs_what_is_refused_and_says_so(
    kinds_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(kinds_index, "whim", "--force") == 0
    assert "installed all the same: held-out labels" in capsys.readouterr().err
    assert "whim" in read_manifest(kinds_index).attributes


@pytest.mark.parametrize(
    "made", [manifest(preset="paper"), manifest(metric="l2")], ids=["paper", "l2"]
)
def test_other_presets_and_metrics_learn_alike(
    kinds: Path, tmp_path: Path, made: Manifest, capsys: pytest.CaptureFixture[str]
) -> None:
    build_fake(tmp_path / "index", kinds, made=made, batch_size=16)
    assert call(tmp_path / "index", "color", "--column", "kind") == 0
    bound = read_manifest(tmp_path / "index").space_of_attribute("color")
    assert bound.metric == "cosine"
    assert bound.branches[0].method == "learned"
    assert "before in block" in capsys.readouterr().out


def test_dry_run_installs_nothing(kinds_index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = read_manifest(kinds_index)
    assert call(kinds_index, "kind", "--dry-run") == 0
    assert "kind: nothing was installed" in capsys.readouterr().out
    assert read_manifest(kinds_index) == before


def test_json_says_what_was_chosen_and_what_became_of_it(
    kinds_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(kinds_index, "kind", "--json", "--block", "1,2") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["attribute"] == found["column"] == "kind"
    assert found["classes"] == {"a": 20, "b": 20, "c": 20}
    assert {pool.split("-")[0] for pool in found["pools"]} <= {"1", "2"}
    assert found["installed"] is True
    assert found["space"] == read_manifest(kinds_index).attributes["kind"]
    assert found["space_before"] is None
    assert set(found["verdict"]["gain"]) == {"value", "low", "high"}
    assert found["tried"][0]["method"].startswith(found["method"])


@pytest.mark.parametrize("method", ["nca", "whiten"])
def test_other_methods_are_judged_too(
    kinds_index: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["kind", "--method", method, "--block", "3", "--json", "--dry-run"]
    assert call(kinds_index, *given, "--force") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["method"].startswith(method)
    assert found["installed"] is False


def test_labels_of_a_file_are_learned_and_what_is_left_out_is_told(
    kinds_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{at:02}.png,{'abc'[at % 3]}" for at in range(45)]
    rows += ["gone.png,a", "50.png,nan", "51.png,", "52.png,rare", "00.png,a", "01.png,c"]
    rows += ["53.png,few", "54.png,few"]
    (tmp_path / "l.csv").write_text("\n".join(["path,sort", *rows]) + "\n")
    assert call(kinds_index, "kind", "--labels", str(tmp_path / "l.csv")) == 0
    shown = capsys.readouterr()
    assert "kind: 44 labelled pictures in 3 classes, 13 without" in shown.out
    assert "'gone.png' is labelled, but not among the pictures" in shown.err
    assert "sort: '01.png' is labelled twice, differently: left out" in shown.err
    assert "'rare' is left out, of fewer than 2 examples" in shown.err
    assert "'few' is left out, of fewer than 4 examples" in shown.err
    assert "nothing can find it" not in shown.err


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        ("path,kind\n" + "00.png,a\n01.png,a\n02.png,a\n", [], "all its labels are 'a'"),
        ("path,kind\n00.png,a\n01.png,a\n02.png,b\n03.png,b\n", [], "need 4 examples each, "),
        ("path,kind\n00.png,a\n01.png,a\n02.png,b\n", ["--force"], "need 2 examples each, "),
        ("path,kind\ngone.png,a\n", [], "no picture has a label"),
        ("path,a,b\n00.png,x,y\n", [], "unknown label column 'kind': expected one of a, b"),
        ("path,a\n00.png,x\n", ["--column", "z"], "unknown label column 'z'"),
        ("00.png\n", [], "no column 'path' or 'key'"),
    ],
)
def test_labels_of_no_use_are_refused_in_a_line(
    kinds_index: Path,
    tmp_path: Path,
    text: str,
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "l.csv").write_text(text)
    assert call(kinds_index, "kind", "--labels", str(tmp_path / "l.csv"), *arguments) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.splitlines()[-1].startswith("error: ")


def test_labels_in_another_encoding_are_refused(
    kinds_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "l.csv").write_bytes("path,kind\n00.png,weiß\n".encode("utf-16"))
    assert call(kinds_index, "kind", "--labels", str(tmp_path / "l.csv")) == 2
    assert "UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["shape"], "unknown label column 'shape': expected one of kind, whim"),
        (["kind", "--block", "5"], "block 5 is not in this index: it stores blocks 1, 2, 3, 4"),
        (["kind", "--block", "deep"], "has value 'deep'"),
        (["kind", "--method", "svm"], "unknown method 'svm'"),
        (["3", "--column", "kind"], "no attribute can be called '3'"),
        (["kind", "--labels", "none.csv"], "no labels at 'none.csv'"),
    ],
)
def test_wrong_call_is_refused(
    kinds_index: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(kinds_index, *arguments) == 2
    assert words in capsys.readouterr().err


def test_reset_forgets_what_was_learned(
    kinds_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = read_manifest(kinds_index).attributes["color"]
    assert call(kinds_index, "color", "--column", "kind") == 0
    learned = read_manifest(kinds_index).attributes["color"]
    capsys.readouterr()
    assert call(kinds_index, "color", "--reset") == 0
    assert capsys.readouterr().out == f"color: bound to {first}, before with {learned}\n"
    assert read_manifest(kinds_index).attributes["color"] == first
    assert call(kinds_index, "color", "--reset") == 0
    assert capsys.readouterr().out == f"color: stays with {first}\n"


def test_reset_goes_with_nothing_else(
    kinds_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(kinds_index, "color", "--reset", "--dry-run", "--seed", "3") == 2
    assert "--reset only goes back: leave out --dry-run, --seed" in capsys.readouterr().err
