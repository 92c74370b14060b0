"""A network whose pools can be told by hand."""

import torch
from torch import Tensor, nn

from models.extractor import NetworkExtractor
from models.network import Network
from models.preprocess import Preprocess


class Mean(nn.Module):
    """A stage that halves the sides, so pools can be told by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0

    def forward(self, x: Tensor) -> Tensor:
        self.runs += 1
        return nn.functional.avg_pool2d(x, 2)


def by_hand(precision: str = "float32") -> tuple[NetworkExtractor, list[Mean]]:
    stages = [Mean(), Mean(), Mean()]
    mean, std = (0.5, 0.25, 0.0), (0.5, 0.25, 2.0)
    network = Network(stages)
    extractor = NetworkExtractor(
        network, (3, 3, 3, 3, 3), mean, std, Preprocess(), torch.device("cpu"), precision
    )  # type: ignore[arg-type]
    return extractor, stages
