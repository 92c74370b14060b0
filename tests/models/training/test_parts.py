"""The parts of a training: splits, batches, rates, augmentation, confusion."""

import numpy as np
import pytest
import torch
from torch import Generator

from models.training.augment import augment
from models.training.judging import Judgement, confuse
from models.training.options import Augmentation, TrainingError, TrainingOptions
from models.training.schedule import batches_in, draw_batches, learning_rate
from models.training.split import stratified_split

LABELS = np.array([0] * 20 + [1] * 10 + [2] * 2 + [3])


def random(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def test_every_class_gives_its_share_and_a_single_picture_is_trained_on() -> None:
    split = stratified_split(LABELS, 0.2, 0)
    assert np.bincount(LABELS[split.validation], minlength=4).tolist() == [4, 2, 1, 0]
    assert sorted([*split.training, *split.validation]) == list(range(len(LABELS)))


def test_a_seed_splits_the_same_way_and_another_does_not() -> None:
    first, again, other = (stratified_split(LABELS, 0.3, seed) for seed in (1, 1, 2))
    assert first.validation.tolist() == again.validation.tolist() != other.validation.tolist()


def test_no_share_keeps_nothing_aside() -> None:
    assert not len(stratified_split(LABELS, 0, 0).validation)


@pytest.mark.parametrize(
    ("count", "size", "batches"),
    [(64, 32, 2), (65, 32, 3), (33, 32, 2), (3, 2, 1), (5, 2, 2), (2, 32, 1)],
)
def test_batches_never_hold_one_picture(count: int, size: int, batches: int) -> None:
    assert batches_in(count, size) == batches
    drawn = draw_batches(torch.zeros(count, dtype=torch.int64), size, False, random())
    assert min(map(len, drawn)) > 1
    assert sorted(torch.cat(tuple(drawn)).tolist()) == list(range(count))


def test_balanced_batches_draw_rare_classes_as_often_as_common_ones() -> None:
    labels = torch.tensor([0] * 950 + [1] * 50)
    rows = torch.cat(tuple(draw_batches(labels, 100, True, random())))
    assert len(rows) == 1000
    assert 400 < int((labels[rows] == 1).sum()) < 600


def test_rate_rises_on_a_line_and_falls_on_a_cosine() -> None:
    rates = [learning_rate(step, 12, 4, 0.8) for step in range(12)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8])
    assert rates[8] == pytest.approx(0.4)
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert 0 < rates[-1] < 0.05


def test_augmentation_asked_for_nothing_changes_nothing() -> None:
    pictures = torch.rand(4, 3, 8, 8, generator=random())
    assert torch.equal(augment(pictures, Augmentation(1, False, 0), random()), pictures)


def test_flip_mirrors_some_pictures_and_leaves_the_others() -> None:
    pictures = torch.rand(32, 3, 8, 8, generator=random())
    found = augment(pictures, Augmentation(1, True, 0), random())
    mirrored = [
        torch.allclose(a, b.flip(2), atol=1e-5) for a, b in zip(found, pictures, strict=True)
    ]
    same = [torch.allclose(a, b, atol=1e-5) for a, b in zip(found, pictures, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 8 < sum(mirrored) < 24


def test_crop_shows_a_part_of_the_picture_and_nothing_from_outside_it() -> None:
    ramp = torch.linspace(0.25, 0.75, 32).expand(64, 3, 32, 32)
    found = augment(ramp, Augmentation(0.5, False, 0), random())
    spans = found[:, 0, 0, -1] - found[:, 0, 0, 0]
    assert found.min() >= 0.25 - 1e-5
    assert found.max() <= 0.75 + 1e-5
    assert spans.min() >= 0.5 * 0.5 * 0.9
    assert spans.std() > 0.02


def test_jitter_changes_light_and_keeps_hue() -> None:
    picture = torch.tensor([0.6, 0.3, 0.3]).view(1, 3, 1, 1).expand(16, 3, 4, 4)
    found = augment(picture, Augmentation(1, False, 0.3), random())
    red, green, blue = found[:, :, 0, 0].T
    assert red.std() > 0.02
    assert torch.allclose(green, blue)
    assert (red > green).all()


def test_a_confusion_tells_what_a_class_is_most_taken_for() -> None:
    labels, named = np.array([0, 0, 0, 1, 2]), np.array([0, 2, 2, 1, 0])
    judged = Judgement(("a", "b", "c", "d"), confuse(labels, named, 4), 0.5)
    assert (judged.pictures, judged.accuracy) == (5, pytest.approx(0.4))
    a, b, _, d = judged.per_class
    assert (a.pictures, a.right, a.taken_for, a.taken) == (3, 1, "c", 2)
    assert (b.accuracy, b.taken_for) == (1.0, None)
    assert np.isnan(d.accuracy)


def test_options_that_contradict_are_refused() -> None:
    with pytest.raises(TrainingError, match="batches of 1"):
        TrainingOptions(rate=0.1, weight_decay=0, batch_size=1)
    with pytest.raises(TrainingError, match="--no-nesterov"):
        TrainingOptions(rate=0.1, weight_decay=0, momentum=0)
    with pytest.raises(TrainingError, match="rate nan: expected a number above 0"):
        TrainingOptions(rate=float("nan"), weight_decay=0)
    with pytest.raises(TrainingError, match="warmup inf: expected"):
        TrainingOptions(rate=0.1, weight_decay=0, warmup=float("inf"))
