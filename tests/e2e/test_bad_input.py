"""Every kind of bad input, in the shell and over REST: a picture where one can be had, else one
clear line, exit code 2 (1 where the work failed), a 4xx problem document; never a stack trace."""

import json
from pathlib import Path

import httpx
import pytest

from tests.bad_pictures import AWKWARD, READABLE, UNREADABLE
from tests.e2e.conftest import Command, is_one_error, is_problem

pytestmark = pytest.mark.e2e


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


@pytest.mark.parametrize(
    ("flags", "form", "words"),
    [
        (["-a", "shape"], {"attribute": "shape"}, "'shape': expected one of color, texture"),
        (["--block", "9"], {"block": "9"}, "block: Input should be less than or equal to 5"),
        (["-a", "color", "-k", "0"], {"attribute": "color", "limit": "0"}, "limit"),
        (["-a", "color", "-k", "1000000000"], {"attribute": "color", "limit": "1000000000"},
         "1000000000"),
        (["-a", "color", "--min-score", "2"], {"attribute": "color", "min_score": "2"},
         "min_score: Input should be less than or equal to 1"),
        (["-a", "color", "--collapse", "foo"], {"attribute": "color", "collapse": "foo"},
         "collapse: Input should be 'picture' (got 'foo')"),
        (["-a", "color", "--filter", "{"], {"attribute": "color", "filter": "{"},
         "filter '{' is not JSON"),
        (["-a", "color", "--filter", '{"column": "colour", "eq": "red"}'],
         {"attribute": "color", "filter": '{"column": "colour", "eq": "red"}'},
         "unknown metadata column 'colour'"),
        ([], {}, "block"),
    ],
)  # fmt: skip
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
