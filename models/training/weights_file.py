"""Trained weights as a file that says what it holds."""

import json
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save

from models.training.data import Trained


def write_weights(
    path: Path, trained: Trained, backbone: str, classes: Sequence[str], size: int
) -> None:
    """Write weights to a safetensors file, whose metadata names backbone, classes and input size.

    Names of tensors are those that ``models.weights`` reads; the head is ``fc``.
    Raises OSError if the file cannot be written.
    """
    metadata = {
        "backbone": backbone,
        "classes": json.dumps(list(classes), ensure_ascii=False),
        "size": str(size),
        "epoch": str(trained.epoch),
    }
    if trained.judgement is not None:
        metadata["validation_accuracy"] = f"{trained.judgement.accuracy:.4f}"
    # Batch norms count their steps; nothing reads that, and published files leave it out.
    kept = {k: v for k, v in trained.weights.items() if not k.endswith("num_batches_tracked")}
    path.write_bytes(save(kept, metadata))
