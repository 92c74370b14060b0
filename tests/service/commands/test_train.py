"""What `hueweave train` says: a line an epoch, a table of classes, JSON, how it ends."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from api.main import run
from models.training.trainer import Trainer
from models.training.watching import EpochReport
from service.commands import console
from service.commands.training_progress import BarTraining, describe_epoch, watch_training
from service.training.running import checkpoint_of
from tests.pictures import picture

pytestmark = pytest.mark.usefixtures("one_thread")

REPORT = EpochReport(3, 9, 0.01, 0.5, 0.25, 0.875, True)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for at in range(10):
        path = tmp_path / "shop" / ("ab"[at % 2] * 3) / f"{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(at * (1 + at % 2 * 700)))
    return tmp_path / "shop"


def train(shop: Path, *more: str) -> int:
    fixed = ("--backbone", "preact", "--depth", "10", "--width", "4", "--size", "32")
    output = ("--output", str(shop.parent / "net.safetensors"))
    return run(["train", str(shop), *output, *fixed, "--epochs", "2", *more])


def test_the_table_has_every_class_and_the_file(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(shop) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].split() == ["class", "pictures", "accuracy", "most", "taken", "for"]
    assert [line.split()[:2] for line in lines[1:4]] == [["aaa", "1"], ["bbb", "1"], ["all", "2"]]
    assert lines[4].startswith("weights of epoch ")
    assert lines[4].endswith(f"preact-10-4: {shop.parent / 'net.safetensors'}")
    assert shown.err.startswith("read 10 pictures\nepoch 1/2  loss ")


def test_json_has_the_confusion(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(shop, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["classes"] == ["aaa", "bbb"]
    assert sum(map(sum, found["validation"]["confusion"])) == found["validation"]["pictures"] == 2


def test_without_validation_there_is_no_table(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(shop, "--validation", "0") == 0
    assert capsys.readouterr().out.startswith("weights of epoch 2 of 2")


def test_a_stopped_training_says_how_to_go_on(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Trainer.run_epoch

    def stop(self: Trainer, watcher: object) -> EpochReport:
        if self._epoch:
            raise KeyboardInterrupt
        return whole(self, watcher)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "run_epoch", stop)
    assert train(shop) == 130
    said = capsys.readouterr().err
    assert "run the same command again to go on" in said
    assert str(checkpoint_of(shop.parent / "net.safetensors")) in said


def test_a_training_stopped_in_its_first_epoch_says_that_nothing_is_kept(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: Trainer, watcher: object) -> EpochReport:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "run_epoch", stop)
    assert train(shop) == 130
    assert "nothing is kept" in capsys.readouterr().err
    assert [one.name for one in shop.parent.iterdir()] == ["shop"]


def test_a_wrong_call_is_one_line_and_exit_code_2(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(shop, "--depth", "11") == 2
    assert capsys.readouterr().err.strip() == (
        "error: depth 11: expected an even number from 10 to 1002"
    )


def test_an_epoch_is_a_line_and_the_best_is_marked() -> None:
    assert describe_epoch(REPORT) == (
        "epoch 3/9  loss 0.500  validation loss 0.250  accuracy 0.875  *"
    )
    assert (
        describe_epoch(EpochReport(1, 9, 0.01, 0.5, None, None, False)) == "epoch 1/9  loss 0.500"
    )


def test_on_a_terminal_it_is_a_bar_with_lines_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=file, force_terminal=True, width=120))
    with watch_training() as watcher:
        assert isinstance(watcher, BarTraining)
        watcher.reading(5, 10)
        watcher.advanced(3, 9, 4, 10, 0.75)
        watcher.epoch_ended(REPORT)
    shown = file.getvalue()
    assert "24/90" in shown
    assert "loss 0.750" in shown
    assert "epoch 3/9  loss 0.500" in shown
