"""A training between two epochs: batches, steps, a validation, the best weights so far."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from models.backbones import Triple
from models.precision import Precision
from models.preprocess import Pixels
from models.training.augment import augment
from models.training.checkpoint import Best, Checkpoint
from models.training.classifier import Trainable, load_weights, weights_of
from models.training.data import LabelledPictures, Trained
from models.training.judging import Judgement, confuse
from models.training.optimizing import make_optimizer
from models.training.options import DivergedError, TrainingOptions
from models.training.schedule import batches_in, draw_batches, learning_rate
from models.training.split import Indices
from models.training.watching import EpochReport, TrainingWatcher

# A forward pass without gradients needs a fraction of the memory.
_JUDGED_AT_ONCE = 4


class Trainer:
    """A training under way, between two epochs."""

    def __init__(
        self,
        network: Trainable,
        data: LabelledPictures,
        options: TrainingOptions,
        device: torch.device,
        precision: Precision,
    ) -> None:
        self._data, self._options = data, options
        self._device, self._mixed = device, precision == "bfloat16"
        # On CPUs, oneDNN's backward pass of channels-last maps writes past its memory for batches
        # of some sizes (torch 2.14 on two threads), so that layout is for GPUs alone.
        self._layout = torch.channels_last if device.type == "cuda" else torch.contiguous_format
        self._model = network.model.to(device, memory_format=self._layout)  # type: ignore[call-overload]
        self._mean, self._std = _column(network.mean, device), _column(network.std, device)
        self._optimizer = make_optimizer(self._model, options)
        self._random = Generator().manual_seed(options.seed)
        self._epoch = 0
        self._best: Best | None = None
        self._per_epoch = batches_in(len(data.split.training), options.batch_size)

    @property
    def done(self) -> bool:
        """Whether all epochs are over, or none was better for too long."""
        patience = self._options.patience
        if patience and self._best and self._epoch - self._best.epoch >= patience:
            return True
        return self._epoch >= self._options.epochs

    def run_epoch(self, watcher: TrainingWatcher) -> EpochReport:
        """Go once through the training pictures and judge by the others."""
        labels = torch.from_numpy(self._data.labels[self._data.split.training])
        options = self._options
        batches = draw_batches(labels, options.batch_size, options.balanced, self._random)
        self._model.train()
        losses = []
        chosen = [self._data.split.training[rows.numpy()] for rows in batches]
        for step, (rows, pixels) in enumerate(self._fetched(chosen)):
            rate = self._set_rate(self._epoch * self._per_epoch + step)
            loss = self._step(rows, pixels)
            if not np.isfinite(loss):
                raise DivergedError(
                    f"the loss became {loss} in epoch {self._epoch + 1}, step {step + 1}: "
                    f"lower the learning rate, now {options.rate:g}"
                )
            losses.append(loss)
            watcher.advanced(self._epoch + 1, options.epochs, step + 1, len(batches), loss)
        self._epoch += 1
        judged = self._judge()
        better = self._note(judged)
        return EpochReport(
            epoch=self._epoch,
            epochs=options.epochs,
            rate=rate,
            loss=float(np.mean(losses)),
            validation_loss=judged.loss if judged else None,
            accuracy=judged.accuracy if judged else None,
            best=better,
        )

    def checkpoint(self, identity: dict[str, Any]) -> Checkpoint:
        """Return what the next epoch depends on."""
        return Checkpoint(
            identity,
            self._epoch,
            weights_of(self._model),
            deepcopy(self._optimizer.state_dict()),  # it hands out what steps go on changing
            self._random.get_state(),
            self._best,
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Be where ``checkpoint`` was taken."""
        load_weights(self._model, checkpoint.model)
        self._optimizer.load_state_dict(checkpoint.optimizer)
        self._random.set_state(checkpoint.random)
        self._epoch, self._best = checkpoint.epoch, checkpoint.best

    def result(self) -> Trained:
        """Return the best weights so far, or the last ones where nothing could be judged."""
        best = self._best
        if best is None:
            return Trained(weights_of(self._model), self._epoch, self._epoch, None)
        judged = Judgement(self._data.classes, best.confusion.numpy(), best.loss)
        return Trained(best.weights, best.epoch, self._epoch, judged)

    def _set_rate(self, step: int) -> float:
        steps = self._options.epochs * self._per_epoch
        warm = min(round(self._options.warmup * self._per_epoch), steps // 2)
        rate = learning_rate(step, steps, warm, self._options.rate)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        return rate

    def _fetched(self, batches: Iterable[Indices]) -> Iterator[tuple[Indices, Pixels]]:
        """Yield batches with their pixels, those of the next being read meanwhile."""
        with ThreadPoolExecutor(1, thread_name_prefix="fetch") as thread:
            ahead: deque[tuple[Indices, Future[Pixels]]] = deque()
            for rows in batches:
                ahead.append((rows, thread.submit(self._data.squares, rows)))
                if len(ahead) > 1:
                    before, pixels = ahead.popleft()
                    yield before, pixels.result()
            for before, pixels in ahead:
                yield before, pixels.result()

    def _step(self, rows: Indices, pixels: Pixels) -> float:
        pictures = augment(self._pictures(pixels), self._options.augmentation, self._random)
        labels = torch.from_numpy(self._data.labels[rows]).to(self._device)
        self._optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._mixed):
            logits = self._model(self._normalise(pictures))
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=self._options.smoothing)
        value = float(loss.item())
        if np.isfinite(value):
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
        return value

    def _judge(self) -> Judgement | None:
        rows, classes = self._data.split.validation, self._data.classes
        if not len(rows):
            return None
        self._model.eval()
        named, total = [], 0.0
        with torch.inference_mode():
            count = batches_in(len(rows), _JUDGED_AT_ONCE * self._options.batch_size)
            for some, pixels in self._fetched(np.array_split(rows, count)):
                with torch.autocast(self._device.type, torch.bfloat16, enabled=self._mixed):
                    logits = self._model(self._normalise(self._pictures(pixels)))
                labels = torch.from_numpy(self._data.labels[some]).to(self._device)
                total += float(F.cross_entropy(logits.float(), labels, reduction="sum").item())
                named.append(logits.argmax(dim=1).cpu().numpy())
        counts = confuse(self._data.labels[rows], np.concatenate(named), len(classes))
        judged = Judgement(classes, counts, total / len(rows))
        if not np.isfinite(judged.loss):
            raise DivergedError(
                f"the validation loss became {judged.loss} after epoch {self._epoch}: "
                f"lower the learning rate, now {self._options.rate:g}"
            )
        return judged

    def _note(self, judged: Judgement | None) -> bool:
        """Keep the weights if they are the best so far; of two alike, by loss."""
        if judged is None:
            return False
        best, found = self._best, (judged.accuracy, -judged.loss)
        if best is not None and found <= (best.accuracy, -best.loss):
            return False
        confusion = torch.from_numpy(judged.confusion)
        self._best = Best(weights_of(self._model), self._epoch, *found[:1], judged.loss, confusion)
        return True

    def _pictures(self, pixels: Pixels) -> Tensor:
        # n x H x W x 3 to n x 3 x H x W
        rgb = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(self._device)
        return rgb.float().contiguous(memory_format=self._layout) / 255

    def _normalise(self, pictures: Tensor) -> Tensor:
        normalised = (pictures - self._mean) / self._std
        return normalised.contiguous(memory_format=self._layout)


def _column(values: Triple, device: torch.device) -> Tensor:
    return torch.tensor(values, device=device).view(3, 1, 1)
