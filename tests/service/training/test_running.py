"""From a call to a weights file: what is refused, what is passed over, what goes on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

import models.training.loop
from models.errors import HueweaveError, PrecisionError, UnknownNameError, WeightsError
from models.training.options import DivergedError, TrainingError
from models.training.trainer import Trainer
from models.training.watching import TrainingWatcher
from models.weights import declared_backbone
from service.settings import load_settings
from service.training.planning import TrainingCall, choose_options, choose_start
from service.training.preparing import NoPicturesError
from service.training.running import TrainingReport, checkpoint_of, train_backbone

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"epochs": 2, "size": 32, "crop": 1.0}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Six reddish and six bluish pictures, a folder each."""
    random = np.random.default_rng(0)
    for at in range(12):
        pixels = random.integers(0, 120, (16, 16, 3))
        pixels[..., 0 if at % 2 else 2] += 100
        path = tmp_path / "shop" / ("red" if at % 2 else "blue") / f"{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return tmp_path / "shop"


def run(
    shop: Path, heard: list[str] | None = None, backbone: str = "preact-10-4", **more: Any
) -> TrainingReport:
    options = TINY | more.pop("options", {})
    settings = load_settings(backbone=backbone, batch_size=4, **more.pop("settings", {}))
    call = TrainingCall(shop.parent / "net.safetensors", options=options, **more)
    notify = (heard if heard is not None else []).append
    return train_backbone(str(shop), call, settings, TrainingWatcher(), notify)


def test_weights_come_out_and_the_checkpoint_goes(shop: Path) -> None:
    report = run(shop)
    assert (report.backbone, report.classes, report.unreadable) == (
        "preact-10-4", ("blue", "red"), 0,
    )  # fmt: skip
    assert report.trained.judgement is not None
    assert report.trained.judgement.pictures == 2
    assert declared_backbone(report.output) == "preact-10-4"
    assert sorted(one.name for one in shop.parent.iterdir()) == ["net.safetensors", "shop"]


def stop_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Trainer.run_epoch

    def some(self: Trainer, watcher: TrainingWatcher) -> Any:
        if self._epoch == epochs:
            raise KeyboardInterrupt
        return whole(self, watcher)

    monkeypatch.setattr(Trainer, "run_epoch", some)


def test_a_stopped_training_goes_on_to_the_same_file(shop: Path) -> None:
    whole = load_file(run(shop).output)
    with pytest.MonkeyPatch.context() as patch:
        stop_after(1, patch)
        with pytest.raises(KeyboardInterrupt):
            run(shop)
    heard: list[str] = []
    report = run(shop, heard)
    assert heard == ["going on after epoch 1 of 2"]
    found = load_file(report.output)
    assert found.keys() == whole.keys()
    assert all(found[key].tobytes() == whole[key].tobytes() for key in whole)
    assert not checkpoint_of(report.output).exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"options": {"rate": 0.3}}, "rate 0.05, not 0.3"),
        ({"validation": 0.5}, "validation 0.2, not 0.5"),
        ({"picture": 1}, "other pictures"),
        ({"backbone": "preact-10-5"}, "backbone 'preact-10-4', not 'preact-10-5'"),
    ],
)
def test_another_training_does_not_go_on_unless_told_to_begin_anew(
    shop: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stop_after(1, patch)
        with pytest.raises(KeyboardInterrupt):
            run(shop)
    if change.get("picture"):
        change = {}
        Image.new("RGB", (9, 9), "red").save(shop / "red" / "1.png")
    with pytest.raises(TrainingError, match=f"is of a training with {words}: "):
        run(shop, **change)
    heard: list[str] = []
    run(shop, heard, restart=True, **change)
    assert heard == []


def test_unreadable_pictures_are_told_and_the_others_are_trained_on(shop: Path) -> None:
    (shop / "red" / "1.png").write_bytes(b"no picture")
    (shop / "odd").mkdir()
    (shop / "odd" / "a.png").write_bytes(b"")
    heard: list[str] = []
    report = run(shop, heard)
    assert report.unreadable == 2
    assert report.classes == ("blue", "red")
    assert [line.split(":")[0] for line in heard] == [
        "unreadable", "unreadable", "left out, since none of their pictures could be read",
    ]  # fmt: skip


def test_no_readable_picture_is_a_failure(shop: Path) -> None:
    for path in shop.rglob("*.png"):
        path.write_bytes(b"no picture")
    with pytest.raises(NoPicturesError, match="none of the pictures") as caught:
        run(shop)
    assert caught.value.exit_code == 1


def test_a_class_of_one_picture_is_trained_on_but_not_judged_by(shop: Path) -> None:
    (shop / "single").mkdir()
    Image.new("RGB", (16, 16), "green").save(shop / "single" / "a.png")
    heard: list[str] = []
    report = run(shop, heard)
    assert heard == ["of one picture each, so trained on but not judged by: single"]
    judged = report.trained.judgement
    assert judged is not None
    assert [one.pictures for one in judged.per_class] == [1, 1, 0]


def test_numbers_that_are_not_trained_in_are_refused_before_anything_is_read(shop: Path) -> None:
    with pytest.raises(PrecisionError, match="for all else leave precision at auto"):
        run(shop.with_name("none"), settings={"precision": "int8"})
    with pytest.raises(UnknownNameError, match="'int3'"):
        run(shop.with_name("none"), settings={"precision": "int3"})


def test_one_class_is_refused_before_anything_is_read(shop: Path) -> None:
    labels = shop.parent / "labels.txt"
    labels.write_text("red/1.png x\nblue/0.png x\n")
    with pytest.raises(TrainingError, match="all labels are 'x'"):
        run(shop, labels=labels)


def test_classes_of_one_picture_each_are_refused(shop: Path) -> None:
    labels = shop.parent / "labels.txt"
    labels.write_text("red/1.png x\nblue/0.png y\n")
    with pytest.raises(TrainingError, match="none of the 2 classes has two pictures"):
        run(shop, labels=labels)


def test_a_file_of_labels_is_enough_and_what_it_has_in_vain_is_said(shop: Path) -> None:
    table = shop.parent / "labels.csv"
    rows = [f"{path.relative_to(shop.parent)},{path.parent.name}" for path in shop.rglob("*.png")]
    table.write_text("\n".join(("path,kind", *rows, "shop/gone.png,red", "shop/red/1.png,")) + "\n")
    heard: list[str] = []
    call = TrainingCall(shop.parent / "net.safetensors", table, options=TINY)
    settings = load_settings(backbone="preact-10-4")
    report = train_backbone(None, call, settings, TrainingWatcher(), heard.append)
    assert report.classes == ("blue", "red")
    assert report.unreadable == 1
    assert heard[0] == "pictures named again with the same labels count once: 1 rows"
    assert heard[1].startswith("unreadable: shop/gone.png: no file at ")


def test_fewer_pictures_than_a_batch_are_one_batch(shop: Path) -> None:
    steps: list[tuple[int, int]] = []

    class Heard(TrainingWatcher):
        def advanced(self, epoch: int, epochs: int, step: int, steps_: int, loss: float) -> None:
            steps.append((step, steps_))

    settings = load_settings(backbone="preact-10-4", batch_size=512)
    call = TrainingCall(shop.parent / "net.safetensors", options=TINY, validation=0.0)
    report = train_backbone(str(shop), call, settings, Heard(), print)
    assert steps == [(1, 1), (1, 1)]
    assert report.trained.judgement is None


def test_a_diverged_training_keeps_its_checkpoint_and_writes_no_weights(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer._step

    def bad(self: Trainer, *rest: Any) -> float:
        return float("nan") if self._epoch == 1 else step(self, *rest)

    monkeypatch.setattr(Trainer, "_step", bad)
    with pytest.raises(DivergedError, match=r"nan in epoch 2, step 1: .*last good checkpoint is"):
        run(shop)
    assert checkpoint_of(shop.parent / "net.safetensors").is_file()
    assert not (shop.parent / "net.safetensors").exists()


@pytest.mark.parametrize("name", ["net.pt", "gone/net.safetensors", "folder.safetensors"])
def test_a_file_that_cannot_be_written_is_refused_first(
    shop: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop.parent / "folder.safetensors").mkdir()
    monkeypatch.setattr(models.training.loop, "train", None)
    call = TrainingCall(shop.parent / name)
    with pytest.raises(TrainingError, match=r"^(output|cannot write) "):
        train_backbone(str(shop), call, load_settings(), TrainingWatcher(), print)


@pytest.mark.parametrize(
    ("settings", "shape", "kind", "words"),
    [
        ({"backbone": "resnet18"}, {"depth": 18}, TrainingError, "depth is for --backbone preact"),
        ({"backbone": "preact"}, {"depth": 11}, TrainingError, "depth 11: expected an even"),
        ({"backbone": "preact"}, {"width": 0}, TrainingError, "width 0: expected 1 to"),
        ({"backbone": "mnist", "weights": "a.pt"}, {}, TrainingError, "leave --weights out"),
        ({"weights": "none"}, {}, TrainingError, "random weights of which network"),
        ({"backbone": "resnet51"}, {}, UnknownNameError, "resnet51"),
        ({"backbone": "resnet50_v1"}, {}, WeightsError, "--weights FILE"),
    ],
)
def test_networks_that_contradict_are_refused(
    settings: dict[str, Any], shape: dict[str, Any], kind: type[HueweaveError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        choose_start(load_settings(**settings), shape, print)


def test_preact_is_named_by_its_shape() -> None:
    start = choose_start(load_settings(backbone="preact"), {"depth": 10, "se": True}, print)
    assert (start.name, start.weights) == ("preact-10-64-se", None)


def test_what_is_left_out_suits_the_network() -> None:
    settings = load_settings(batch_size=8)
    scratch = choose_start(load_settings(backbone="resnet18", weights="none"), {}, print)
    tuned = choose_start(load_settings(backbone="efficientnet_lite0"), {}, print)
    digits = choose_start(load_settings(backbone="mnist"), {}, print)
    assert choose_options(scratch, settings, {}).rate == 0.05
    assert choose_options(tuned, settings, {}).rate == 0.01
    assert choose_options(tuned, settings, {"optimizer": "adamw"}).weight_decay == 0.05
    found = choose_options(digits, settings, {"jitter": 0.0})
    assert (found.size, found.batch_size) == (28, 8)
    assert (found.augmentation.flip, found.augmentation.jitter) == (False, 0.0)


@pytest.mark.parametrize(
    ("backbone", "given", "words"),
    [
        ("mnist", {"size": 32}, "size 32: 'mnist'"),
        ("mnist", {"freeze": 1}, "freeze 1: 'mnist' has no trained blocks"),
        ("preact-10-4", {"freeze": 1}, "freeze 1: random weights"),
        ("efficientnet_lite0", {"freeze": 5}, "so none would be trained: give at most 4"),
        ("preact-10-4", {"size": 16}, "size 16: five blocks"),
        ("preact-10-4", {"rate": 0.0}, "rate 0"),
        ("preact-10-4", {"rate": float("nan")}, "rate nan"),
        ("preact-10-4", {"optimizer": "lion"}, "optimizer 'lion'"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    backbone: str, given: dict[str, Any], words: str
) -> None:
    settings = load_settings(backbone=backbone)
    with pytest.raises(HueweaveError, match=words):
        choose_options(choose_start(settings, {}, print), settings, given)
