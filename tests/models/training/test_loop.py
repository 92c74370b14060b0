"""A training on tiny pictures: it learns, resumes to the same bits, and stops when it should."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.backbones import get_backbone
from models.errors import WeightsError
from models.network import load_network
from models.training.checkpoint import Checkpoint, check_same, read_checkpoint, write_checkpoint
from models.training.classifier import Classifier, make_classifier, weights_of
from models.training.data import LabelledPictures, Trained
from models.training.loop import train
from models.training.options import Augmentation, DivergedError, TrainingError, TrainingOptions
from models.training.split import stratified_split
from models.training.watching import EpochReport, TrainingWatcher
from models.training.weights_file import write_weights
from models.weights import declared_backbone, find_weights, load_state

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = get_backbone("preact-10-4")
OPTIONS = TrainingOptions(
    rate=0.1, weight_decay=1e-4, size=32, epochs=4, batch_size=8, smoothing=0, patience=0,
    augmentation=Augmentation(0.9, True, 0.05),
)  # fmt: skip


def pictures(seed: int = 0) -> LabelledPictures:
    """Reddish and bluish noise."""
    random = np.random.default_rng(seed)
    labels = np.arange(40) % 2
    pixels = random.integers(0, 120, (40, 32, 32, 3)).astype(np.uint8)
    pixels[np.arange(40), :, :, np.where(labels, 0, 2)] += 100
    split = stratified_split(labels, 0.25, 0)
    return LabelledPictures(lambda rows: pixels[rows], labels, ("blue", "red"), split)


class Heard(TrainingWatcher):
    def __init__(self) -> None:
        self.steps: list[tuple[int, int, int, int]] = []
        self.epochs: list[EpochReport] = []

    def advanced(self, epoch: int, epochs: int, step: int, steps: int, loss: float) -> None:
        self.steps.append((epoch, epochs, step, steps))

    def epoch_ended(self, report: EpochReport) -> None:
        self.epochs.append(report)


def run(
    options: TrainingOptions = OPTIONS, start: Checkpoint | None = None, **more: Any
) -> tuple[Trained, list[Checkpoint], Heard]:
    kept: list[Checkpoint] = []
    heard = Heard()
    network = more.get("network") or make_classifier(TINY, 2, options.seed)
    trained = train(
        network, more.get("data") or pictures(), options, {"is": "this"}, torch.device("cpu"),
        more.get("precision", "float32"), heard, kept.append, start,
    )  # fmt: skip
    return trained, kept, heard


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_two_colors_are_learned(optimizer: Any, precision: str) -> None:
    rate = 0.1 if optimizer == "sgd" else 0.01
    trained, kept, heard = run(
        replace(OPTIONS, optimizer=optimizer, rate=rate), precision=precision
    )
    assert trained.judgement is not None
    assert trained.judgement.accuracy == 1
    assert [one.epoch for one in kept] == [1, 2, 3, 4]
    assert heard.steps[-1] == (4, 4, 4, 4)
    assert heard.epochs[-1].loss < heard.epochs[0].loss


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_stopped_training_ends_with_the_same_bits(optimizer: Any, tmp_path: Path) -> None:
    options = replace(OPTIONS, optimizer=optimizer, rate=0.01)
    whole, kept, _ = run(options)
    write_checkpoint(kept[1], tmp_path / "checkpoint")
    resumed, rest, _ = run(options, read_checkpoint(tmp_path / "checkpoint"))
    assert [one.epoch for one in rest] == [3, 4]
    assert same(rest[-1].model, kept[-1].model)
    assert same(resumed.weights, whole.weights)
    assert resumed.judgement is not None
    assert resumed.judgement.loss == whole.judgement.loss
    unlike = run(replace(options, seed=1))[1]
    assert not same(unlike[-1].model, kept[-1].model)


def test_training_leaves_the_random_numbers_of_others_alone() -> None:
    before = torch.random.get_rng_state()
    run(replace(OPTIONS, epochs=1))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_best_weights_are_kept_and_patience_ends_it() -> None:
    data = replace(pictures(), labels=np.random.default_rng(3).integers(0, 2, 40))
    trained, kept, heard = run(replace(OPTIONS, epochs=50, patience=2), data=data)
    assert trained.epoch == max(one.epoch for one in heard.epochs if one.best)
    assert trained.epochs == trained.epoch + 2 < 50
    assert same(trained.weights, kept[trained.epoch - 1].model)


def test_without_validation_pictures_the_last_weights_count() -> None:
    data = pictures()
    data = replace(data, split=stratified_split(data.labels, 0, 0))
    trained, kept, heard = run(data=data)
    assert (trained.judgement, trained.epoch) == (None, 4)
    assert same(trained.weights, kept[-1].model)
    assert heard.epochs[0].accuracy is None


@pytest.mark.parametrize("rate", [1e30])
def test_a_loss_that_is_no_number_stops_it_after_the_last_good_checkpoint(rate: float) -> None:
    kept: list[Checkpoint] = []
    network = make_classifier(TINY, 2, 0)
    with pytest.raises(DivergedError, match=r"loss became nan .*lower the .*, now 1e\+30"):
        train(network, pictures(), replace(OPTIONS, rate=rate, warmup=0), {}, torch.device("cpu"),
              "float32", TrainingWatcher(), kept.append)  # fmt: skip
    assert all(torch.isfinite(v).all() for one in kept for v in one.model.values())


def test_frozen_blocks_stay_as_they_were() -> None:
    state = weights_of(make_classifier(TINY, 2, 5).model)
    network = make_classifier(TINY, 2, 0, {k: v.clone() for k, v in state.items()}, 2)
    trained, _, _ = run(network=network)
    stages = network.model.stages
    for at, stage in enumerate(stages):
        keys = [key for key in stage.state_dict() if not key.endswith("tracked")]
        assert all(torch.equal(trained.weights[k], state[k]) for k in keys) == (at < 2)


def test_weights_that_end_early_are_trained_as_deep_as_they_reach() -> None:
    state = weights_of(make_classifier(TINY, 2, 5).model)
    part = {k: v for k, v in state.items() if not k.startswith(("layer4", "bn5", "layer3", "bn4"))}
    model = make_classifier(TINY, 2, 0, part).model
    assert isinstance(model, Classifier)
    assert (len(model.stages), model.fc.in_features) == (3, 8)
    with pytest.raises(TrainingError, match=r"freeze 3: these weights cover 3 .* at most 2"):
        make_classifier(TINY, 2, 0, part, 3)
    with pytest.raises(TrainingError, match="freeze 1: random weights"):
        make_classifier(TINY, 2, 0, None, 1)
    with pytest.raises(WeightsError, match="are not preact-10-4's"):
        make_classifier(TINY, 2, 0, {"x": torch.zeros(1)})


def test_the_file_says_what_it_holds_and_loads_as_a_network(tmp_path: Path) -> None:
    trained, _, _ = run()
    path = tmp_path / "net.safetensors"
    write_weights(path, trained, TINY.name, ("blue", "red"), 32)
    assert declared_backbone(path) == TINY.name
    network, _ = load_network(TINY, load_state(find_weights(TINY, str(path))))
    assert network.depth == 5


def test_only_the_same_training_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    write_checkpoint(run(replace(OPTIONS, epochs=1))[1][0], path)
    found = read_checkpoint(path)
    check_same(found, {"is": "this"}, path)
    with pytest.raises(TrainingError, match=r"with is 'this', not 'that': .*--restart"):
        check_same(found, {"is": "that"}, path)
    other = {"is": "this", "labels": [0, 1]}
    with pytest.raises(TrainingError, match="is of a training with other labels: "):
        check_same(found, other, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TrainingError, match="no checkpoint"):
        read_checkpoint(path)
