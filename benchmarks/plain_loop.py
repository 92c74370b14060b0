"""The loop most people write: Pillow, torchvision transforms, DataLoader, resnet50 in float32,
hooks on the layers of the full network, and a flat index a block. What hueweave is held against."""

from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

TRANSFORM = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
)
LAYERS = {"1": "relu", "2": "layer1", "3": "layer2", "4": "layer3"}


class Pictures(Dataset[torch.Tensor]):
    """Picture files as normalised tensors."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, at: int) -> torch.Tensor:
        return TRANSFORM(Image.open(self._paths[at]).convert("RGB"))


class PlainLoop:
    """A resnet50 with hooks, and one IndexFlat a block."""

    def __init__(self, weights: Path) -> None:
        self._net = torchvision.models.resnet50()
        self._net.load_state_dict(torch.load(weights, weights_only=True))
        self._net.eval()
        self._maps: dict[str, torch.Tensor] = {}
        for block, layer in LAYERS.items():
            getattr(self._net, layer).register_forward_hook(self._keep(block))
        self.indexes: dict[str, faiss.Index] = {}

    def build(self, paths: Sequence[Path], workers: int) -> None:
        """Embed ``paths`` and index them block by block."""
        loader = DataLoader(Pictures(paths), batch_size=32, num_workers=workers)
        rows: dict[str, list[np.ndarray]] = {block: [] for block in LAYERS}
        for batch in loader:
            for block, vectors in self._embed(batch).items():
                rows[block].append(vectors)
        for block, parts in rows.items():
            vectors = np.concatenate(parts)
            self.indexes[block] = faiss.IndexFlatIP(vectors.shape[1])
            self.indexes[block].add(vectors)

    def query(self, path: Path, block: str, k: int) -> np.ndarray:
        """Return the rows of the nearest pictures in a block."""
        tensor = TRANSFORM(Image.open(path).convert("RGB"))
        rows: np.ndarray = self.indexes[block].search(self._embed(tensor[None])[block], k)[1][0]
        return rows

    def _embed(self, batch: torch.Tensor) -> dict[str, np.ndarray]:
        with torch.no_grad():
            self._net(batch)
        pools = {block: one.mean(dim=(2, 3)) for block, one in self._maps.items()}
        return {b: torch.nn.functional.normalize(pool).numpy() for b, pool in pools.items()}

    def _keep(self, block: str):  # type: ignore[no-untyped-def]
        def hook(module: torch.nn.Module, args: object, output: torch.Tensor) -> None:
            # The stem's relu runs first; the same module is not used again in torchvision's
            # ResNet-50 outside of its blocks, which have their own.
            self._maps[block] = output

        return hook
