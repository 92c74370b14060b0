"""`hueweave evaluate`: a table, JSON and a report; what is left out goes to stderr."""

import json
import re
from pathlib import Path

import pytest

from api.main import run
from indexer.manifest_file import read_manifest
from service.evaluation import report
from tests.fakes import PROBED, FakeExtractor, build_fake


@pytest.fixture
def index(labelled_pictures: Path, tmp_path: Path) -> Path:
    build_fake(tmp_path / "index", labelled_pictures)
    return tmp_path / "index"


def test_source_is_measured_on_its_own_columns(
    labelled_pictures: Path, network: FakeExtractor, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", str(labelled_pictures), "--attributes", "tone"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("tone: 24 pictures in 2 classes, 24 ask")
    assert lines[2].startswith("chance ")
    assert lines[3].startswith("color histogram ")
    assert any(line.startswith("tone: block ") and "fits best" in line for line in lines)
    assert network.pictures == PROBED + 24


def test_labels_of_a_file_go_with_a_folder_and_bad_rows_are_told(
    labelled_pictures: Path, network: FakeExtractor, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = labelled_pictures.parent
    with labelled_pictures.open("a") as file:
        file.write("gone.png,red,0\n")
    assert run(["evaluate", str(folder), "--labels", str(labelled_pictures)]) == 0
    shown = capsys.readouterr()
    assert "'gone.png' is labelled, but not among the pictures" in shown.err
    assert "gone.png" not in shown.out


def test_index_is_measured_and_bound_in_one_go(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--index", str(index), "--attributes", "tone", "--recipe", "l2"]
    given += ["--apply", str(index), "--report", str(tmp_path / "r.html")]
    assert run(["evaluate", *given, "--json", str(tmp_path / "e.json")]) == 0
    assert re.search(r"tone: bound to \S+, a new attribute", capsys.readouterr().out)
    assert "tone" in read_manifest(index).attributes
    document = json.loads((tmp_path / "e.json").read_text())
    (column,) = document["columns"]
    assert (column["attribute"], column["queries"]) == ("tone", 24)
    rows = {row["name"]: row for row in column["rows"]}
    assert rows["dominant colors"]["kind"] == "floor"
    assert set(rows[column["best"]]["measures"]["map"]) == {"value", "low", "high"}


def test_json_on_stdout_is_json_alone(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--index", str(index), "--recipe", "paper", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["attribute"] for one in document["columns"]] == ["chance", "tone"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to measure"),
        (["x", "--index", "i"], "name one"),
        (["--index", "INDEX", "--attributes", "shape"], "unknown label column 'shape'"),
        (["--index", "INDEX", "--recipe", "best"], "unknown recipe 'best'"),
        (["--index", "INDEX", "--labels", "none.csv"], "no labels at 'none.csv'"),
        (["--index", "INDEX", "--apply", "nowhere"], "no index at 'nowhere'"),
        (["--index", "INDEX", "--report", "no/folder.html"], "cannot write a report"),
        (["--index", "INDEX", "--json", "no/folder.json"], "cannot write"),
    ],
)
def test_wrong_call_is_refused(
    index: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(index) if one == "INDEX" else one for one in arguments]
    assert run(["evaluate", *given]) == 2
    assert words in capsys.readouterr().err


def test_names_in_a_report_are_escaped(index: Path, tmp_path: Path) -> None:
    rows = "".join(f"{at:02}.png,{'<b>&$x$' if at % 2 else 'plain'}\n" for at in range(24))
    (tmp_path / "l.csv").write_text(f"path,<i>kind\n{rows}")
    page = tmp_path / "report.html"
    given = ["--index", str(index), "--labels", str(tmp_path / "l.csv"), "--report", str(page)]
    assert run(["evaluate", *given]) == 0
    text = page.read_text()
    assert "<b>" not in text
    assert "<i>" not in text
    assert "&lt;i&gt;kind" in text
    assert "&lt;b&gt;&amp;$x$" in text


@pytest.mark.parametrize(
    ("module", "wanted"),
    [("matplotlib", "matplotlib"), ("jinja2", "jinja2"), ("umap", "umap-learn")],
)
def test_report_without_its_libraries_says_what_to_install(
    module: str,
    wanted: str,
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(report, "find_spec", lambda name: name != module or None)
    assert run(["evaluate", "--index", str(index), "--report", "r.html"]) == 2
    assert f"a report needs {wanted}: pip install 'hueweave[report]'" in capsys.readouterr().err
