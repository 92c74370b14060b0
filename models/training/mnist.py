"""A small network for digits: three convolutions that halve the sides, and two dense layers.

Convolutions are 3 x 3 with stride 2, 28 to 14 to 7 to 4; a batch norm follows each of them and the
first dense layer. 621,706 values in all, of which 960 are means and variances of batch norms.
"""

from collections import OrderedDict

from torch import Tensor, nn

SIDE = 28
_CHANNELS = (32, 64, 128)
_DENSE = 256


class MnistNet(nn.Module):
    """(n, 3, 28, 28) or (n, 1, 28, 28), normalised, to (n, classes) logits."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        inputs = 1
        for at, outputs in enumerate(_CHANNELS, start=1):
            layers[f"conv{at}"] = nn.Conv2d(inputs, outputs, 3, 2, 1)
            layers[f"bn{at}"] = nn.BatchNorm2d(outputs)
            layers[f"relu{at}"] = nn.ReLU(inplace=True)
            inputs = outputs
        self.features = nn.Sequential(layers)
        self.classifier = nn.Sequential(
            OrderedDict[str, nn.Module](
                flatten=nn.Flatten(),
                dense=nn.Linear(_CHANNELS[-1] * 4 * 4, _DENSE),
                bn=nn.BatchNorm1d(_DENSE),
                relu=nn.ReLU(inplace=True),
                fc=nn.Linear(_DENSE, classes),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        gray = x.mean(dim=1, keepdim=True)
        logits: Tensor = self.classifier(self.features(gray))
        return logits
