"""`hueweave tag`: values on stdout or in the metadata, what to expect of them on stderr."""

import csv
from pathlib import Path

import numpy as np
import pytest

from api.main import run
from indexer.local import LocalStore


@pytest.fixture
def half(kinds_index: Path, tmp_path: Path) -> Path:
    """Labels of the first thirty pictures."""
    rows = "".join(f"{at:02}.png,{'abc'[at % 3]}\n" for at in range(30))
    (tmp_path / "half.csv").write_text(f"path,sort\n{rows}")
    return tmp_path / "half.csv"


def call(index: Path, *arguments: str) -> int:
    return run(["tag", *arguments, "--index", str(index)])


def metadata(index: Path) -> dict[str, dict[str, object]]:
    store = LocalStore(index, read_only=True)
    found = {item.key: dict(item.metadata) for item in store.items()}
    store.close()
    return found


def test_items_without_a_label_get_a_value_and_a_confidence(
    kinds_index: Path, half: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(kinds_index, "sort", "--labels", str(half)) == 0
    shown = capsys.readouterr()
    rows = list(csv.DictReader(shown.out.splitlines()))
    assert [row["key"] for row in rows] == [f"{at:02}.png" for at in range(30, 60)]
    valued = [row for row in rows if row["value"] != "unknown"]
    right = [row for row in valued if row["value"] == "abc"[int(row["key"][:2]) % 3]]
    assert len(valued) > 20
    assert len(right) > 0.9 * len(valued)
    assert all(0.5 <= float(row["confidence"]) <= 1 for row in valued)
    assert "30 items without a label" in shown.err
    assert "of labels held out" in shown.err


def test_threshold_makes_more_of_them_unknown(
    kinds_index: Path, half: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random, counts = np.random.default_rng(1), []
    rows = "".join(f"{at:02}.png,{'abc'[random.integers(3)]}\n" for at in range(30))
    half.write_text(f"path,sort\n{rows}")
    for threshold in ("0", "0.95"):
        file = tmp_path / f"{threshold}.csv"
        given = ["--labels", str(half), "--threshold", threshold, "--csv", str(file)]
        assert call(kinds_index, "sort", *given) == 0
        counts.append(sum("unknown" in line for line in file.read_text().splitlines()))
    assert counts[0] < 10
    assert counts[1] == 30
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "no held-out label reaches the threshold" in shown.err


def test_written_values_are_metadata_and_nothing_that_is_there_is_lost(
    kinds_index: Path, half: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = metadata(kinds_index)
    assert call(kinds_index, "sort", "--labels", str(half), "--write") == 0
    assert capsys.readouterr().out == ""
    after = metadata(kinds_index)
    for key, was in before.items():
        assert {name: after[key][name] for name in was} == was
    assert "sort" not in after["00.png"]
    tagged = [one for one in after.values() if "sort" in one]
    assert len(tagged) > 20
    assert all(0.5 <= float(str(one["sort_confidence"])) <= 1 for one in tagged)


def test_value_that_is_there_stays_unless_it_may_be_overwritten(
    kinds_index: Path, half: Path
) -> None:
    given = ["--labels", str(half), "--write"]
    text = half.read_text().replace("path,sort", "path,kind").replace("a\n", "other\n")
    half.write_text(text)
    before = metadata(kinds_index)
    assert call(kinds_index, "kind", *given) == 0
    assert metadata(kinds_index) == before
    assert call(kinds_index, "kind", *given, "--overwrite") == 0
    after = metadata(kinds_index)
    assert {one["kind"] for one in after.values()} == {"a", "b", "c", "other"}
    assert after["00.png"] == before["00.png"]


def test_guesses_are_no_labels_of_the_next_run(
    kinds_index: Path, half: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = LocalStore(kinds_index)
    own = [item for item in store.items() if int(item.key[:2]) < 30]
    labels = {item.key: {**item.metadata, "sort": item.metadata["kind"]} for item in own}
    store.declare(labels.values())
    store.relabel(labels)
    store.close()
    assert call(kinds_index, "sort", "--write") == 0
    capsys.readouterr()
    assert call(kinds_index, "sort", "--write", "--overwrite") == 0
    shown = capsys.readouterr().err
    assert "values are guesses of hueweave tag: no labels" in shown
    assert "30 items without a label" in shown


def test_guess_that_would_be_unknown_now_goes_when_it_may_be_overwritten(
    kinds_index: Path, half: Path
) -> None:
    store = LocalStore(kinds_index)
    [item] = [one for one in store.items() if one.key == "40.png"]
    guess = {item.key: {**item.metadata, "sort": "a", "sort_confidence": 0.5}}
    store.declare(guess.values())
    store.relabel(guess)
    store.close()
    # Labels at random: nothing is sure.
    random = np.random.default_rng(1)
    rows = "".join(f"{at:02}.png,{'abc'[random.integers(3)]}\n" for at in range(30))
    half.write_text(f"path,sort\n{rows}")
    given = ["--labels", str(half), "--threshold", "0.95", "--write"]
    assert call(kinds_index, "sort", *given) == 0
    assert metadata(kinds_index)["40.png"]["sort"] == "a"
    assert call(kinds_index, "sort", *given, "--overwrite") == 0
    assert metadata(kinds_index)["40.png"] == dict(item.metadata)


def test_labels_that_are_numbers_stay_numbers(kinds_index: Path, tmp_path: Path) -> None:
    store = LocalStore(kinds_index)
    some = [item for item in store.items() if int(item.key[:2]) < 36]
    numbers = {one.key: {**one.metadata, "size": int(one.key[:2]) % 3} for one in some}
    store.declare(numbers.values())
    store.relabel(numbers)
    store.close()
    assert call(kinds_index, "size", "--write") == 0
    written = [one for key, one in metadata(kinds_index).items() if "size_confidence" in one]
    assert written
    assert {type(one["size"]) for one in written} == {int}
    text = "".join(f"{at:02}.png,{'abc'[at % 3]}\n" for at in range(30))
    (tmp_path / "l.csv").write_text(f"path,size\n{text}")
    given = ["--labels", str(tmp_path / "l.csv"), "--write", "--overwrite"]
    assert call(kinds_index, "size", *given) == 2


def test_attribute_says_where_neighbours_are_looked_for(
    kinds_index: Path, half: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fit", "sort", "--labels", str(half), "--index", str(kinds_index)]) == 0
    for attribute in ("texture", "sort"):
        given = ["--labels", str(half), "--attribute", attribute]
        assert call(kinds_index, "sort", *given) == 0
    assert call(kinds_index, "sort", "--labels", str(half), "-a", "shape") == 2
    assert "unknown attribute 'shape'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["shape"], "unknown label column 'shape'"),
        (["kind", "--overwrite"], "--overwrite is for --write"),
        (["kind", "--csv", "no/folder.csv"], "cannot write 'no/folder.csv'"),
        (["kind", "--threshold", "2"], "--threshold"),
    ],
)
def test_wrong_call_is_refused(
    kinds_index: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(kinds_index, *arguments) == 2
    assert words in capsys.readouterr().err
