"""`hueweave export`: which flags go together, and what is written."""

from pathlib import Path

import numpy as np
import pytest

from api.main import run


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "exactly one of --attribute and --block"),
        (["-a", "color", "--block", "1"], "exactly one of --attribute and --block"),
        (["-a", "color", "--pool", "gap"], "--pool goes with --block"),
        (["--block", "1", "--pool", "max"], "'max'"),
        (["--block", "5"], "pool 5-gap is not in this index"),
        (["-a", "shape"], "'shape'"),
    ],
)
def test_wrong_flags_are_one_line_and_write_nothing(
    fake_index: Path, capsys: pytest.CaptureFixture[str], flags: list[str], words: str
) -> None:
    assert run(["export", "o.npz", "--index", str(fake_index), *flags]) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert len(shown.splitlines()) == 1
    assert not Path("o.npz").exists()


def test_place_that_cannot_be_written_is_named(
    fake_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", "no/o.npz", "--index", str(fake_index), "--block", "1"]) == 2
    assert "cannot write 'no/o.npz'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "width"), [(["--block", "2"], 8), (["--block", "2", "--pool", "foreground"], 8),
                         (["-a", "texture"], 12)]
)  # fmt: skip
def test_shape_that_is_said_is_the_shape_that_is_written(
    fake_index: Path, capsys: pytest.CaptureFixture[str], flags: list[str], width: int
) -> None:
    assert run(["export", "o.npz", "--index", str(fake_index), *flags]) == 0
    assert capsys.readouterr().out.strip() == f"o.npz: 20 x {width}"
    with np.load("o.npz", allow_pickle=False) as found:
        assert found["embeddings"].shape == (20, width)
