"""In which numbers a training's forward pass is computed."""

import torch

from models.precision import Precision, choose_precision


def choose_mixing(name: str, device: torch.device) -> Precision:
    """Return bfloat16 on a GPU that computes in it if ``name`` is auto, else as told.

    Weights and steps are float32 in any case. On a processor auto is float32, which gives the
    same bits each time.
    """
    if name == "auto" and device.type != "cuda":
        return "float32"
    return choose_precision(name, device)
