"""`hueweave feedback`: judgements listed, exported, imported, removed."""

import csv
import io
import json
from contextlib import closing
from pathlib import Path

import pytest

from api.main import run
from indexer.feedback import Example, Judgement, Shown
from indexer.local import LocalStore


@pytest.fixture
def judged(fake_index: Path) -> Path:
    """An index with three judgements, one of an item that is gone."""
    with closing(LocalStore(fake_index)) as store:
        items = [Shown(one.key, one.version, one.slot) for one in store.items_after(None, 4)]
        store.feedback.put(
            [
                Judgement("color", items[0], items[1], True),
                Judgement("color", items[0], items[2], False, "0123abcd"),
                Judgement("texture", Example("ab" * 32), items[3], True),
            ],
            {"ab" * 32: b""},
            9,
        )
        store.remove([items[2].key])
    return fake_index


def shown(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    assert run(["feedback", *map(str, arguments)]) == code
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert run(["feedback", *map(str, arguments)]) == 2
    err = capsys.readouterr().err
    assert err.count("error: ") == 1
    return err


def test_judgements_are_listed_a_line_each(
    judged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["feedback", "--index", str(judged)]) == 0
    out, err = capsys.readouterr()
    assert [line.split(maxsplit=4) for line in out.splitlines()] == [
        ["1", "color", "same", "000.png", "001.png"],
        ["2", "color", "different", "000.png", "002.png  (an item is gone or replaced)"],
        ["3", "texture", "same", f"sha256:{'ab' * 32}", "003.png"],
    ]
    assert err.splitlines() == [
        "color: 1 pairs the same, 1 different", "texture: 1 pairs the same, 0 different",
    ]  # fmt: skip
    assert len(shown(capsys, "--index", judged, "-a", "color").splitlines()) == 2


def test_json_has_an_object_a_line(judged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "--index", judged, "--json").splitlines()
    found = [json.loads(line) for line in lines]
    assert [one["same"] for one in found] == [True, False, True]
    assert [one["usable"] for one in found] == [True, False, True]
    assert found[2]["query"] == {"sha256": "ab" * 32}
    assert (found[1]["key_id"], "key_id" in found[0]) == ("0123abcd", False)


def test_what_was_exported_can_be_imported_elsewhere(
    judged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, "--index", judged, "--csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["judgement"] for row in rows] == ["same", "different", "same"]
    assert [row["usable"] for row in rows] == ["true", "false", "true"]
    (tmp_path / "f.csv").write_text(text)
    with closing(LocalStore(judged)) as store:
        store.feedback.remove([1, 2, 3])
    assert run(["feedback", "--index", str(judged), "--import", str(tmp_path / "f.csv")]) == 0
    out, err = capsys.readouterr()
    assert out == "1 new, 0 replaced, 0 unchanged\n"
    assert err == "notice: 2 rows name a key that no item has: left out\n"
    with closing(LocalStore(judged)) as store:
        (one,) = store.feedback.every()
        assert (one.attribute, one.hit.key, one.same, one.id) == ("color", "001.png", True, 4)


def test_table_of_people_is_imported(
    fake_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "judged.csv"
    table.write_text(
        "query;hit;judgement;remark\n"
        "000.png;001.png;Same;1\n"
        "000.png;002.png; different ;\n"
        "001.png;000.png;different;changed my mind\n"
        "003.png;003.png;same;\n"
        "nope;003.png;same;\n",
        encoding="utf-8-sig",
    )
    given = ("--index", str(fake_index), "--import", str(table), "--attribute", "sleeve")
    assert run(["feedback", *given]) == 0
    out, err = capsys.readouterr()
    assert out == "2 new, 1 replaced, 0 unchanged\n"
    assert err.splitlines() == [
        "notice: 1 rows compare an item with itself: left out",
        "notice: 1 rows name a key that no item has: left out",
        "the index has no attribute 'sleeve' yet",
    ]
    assert shown(capsys, *given) == "0 new, 2 replaced, 1 unchanged\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("query,hit\na,b\n", "has no column 'judgement'"),
        ("query,hit,judgement\na,b,same\n", "has no column 'attribute' (or name one with"),
        ("attribute,query,hit,judgement\nc,000.png,001.png,maybe\n",
         "line 2: judgement is 'maybe': expected same or different"),
        ("attribute,query,hit,judgement\n,000.png,001.png,same\n", "line 2: attribute is empty"),
        ("attribute,query,hit,judgement\nc,no,001.png,same\n",
         "can be used: 1 name a key that no item has"),
        ("attribute,query,hit,judgement\n", "can be used: it is empty"),
        ("attribute,query,hit,judgement\nc,000.png\n", "line 2 has 2 cells, the header has 4"),
        (b"attribute,query,hit,judgement\nc,\xff,\xff,same\n", "is not UTF-8"),
    ],
)  # fmt: skip
def test_table_that_is_wrong_is_refused_and_nothing_recorded(
    fake_index: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str | bytes,
    words: str,
) -> None:
    table = tmp_path / "judged.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert words in refused(capsys, "--index", fake_index, "--import", table)
    with closing(LocalStore(fake_index)) as store:
        assert store.feedback.count() == 0


def test_judgements_are_removed_by_id(judged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys, "--index", judged, "--remove", 1, "--remove", 3)
    assert "no judgement has the id 1" in refused(capsys, "--index", judged, "--remove", 1)
    with closing(LocalStore(judged)) as store:
        assert [one.id for one in store.feedback.every()] == [2]


def test_flags_of_two_things_at_once_are_refused(
    fake_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = refused(capsys, "--index", fake_index, "--json", "--csv")
    assert "--json and --csv do not go together" in words


def test_an_index_without_judgements_says_so(
    fake_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["feedback", "--index", str(fake_index)]) == 0
    assert capsys.readouterr() == ("", "there are no judgements\n")
