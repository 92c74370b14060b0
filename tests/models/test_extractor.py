"""The extractor's raw pools are those of plain torchvision; bfloat16 ranks like float32."""

import csv
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from indexer.presets import get_preset
from models.backbones import IMAGENET_MEAN, IMAGENET_STD
from models.compiled import compiled
from models.errors import BlockError
from models.extraction import Extractor, PoolName
from models.images import decode
from models.loading import Runtime, load_new
from models.preprocess import Preprocess, to_square
from tests.models.stages import by_hand

BLOCKS = (1, 2, 3, 4)
GAPS = [PoolName(block, "gap") for block in BLOCKS]
PAPER = get_preset("paper").preprocess
CPU = torch.device("cpu")
Array = NDArray[np.float64]


def weights_file(shared: Path) -> Path:
    return next((shared / "weights").glob("resnet50_v1-*.safetensors"))


def real_extractor(shared: Path, precision: str) -> Extractor:
    runtime = Runtime(device="cpu", precision=precision)
    return load_new("resnet50_v1", str(weights_file(shared)), BLOCKS, PAPER, runtime).extractor


def real_pictures(shared: Path, name: str, count: int) -> list[Path]:
    """``count`` pictures spread evenly over a labelled set."""
    with (shared / "data" / name / "labels.csv").open() as file:
        paths = [shared / "data" / name / next(iter(row.values())) for row in csv.DictReader(file)]
    found = sorted(path if path.is_file() else path.parent / "images" / path.name for path in paths)
    return found[:: len(found) // count][:count]


def plain_input(path: Path) -> Tensor:
    """(3, 224, 224) as the paper has it: crop what is white, fit, center on white, normalise."""
    image = Image.open(path).convert("RGB")
    rows, columns = np.nonzero((np.asarray(image) < 245).any(axis=2))
    image = image.crop((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
    factor = 224 / max(image.size)
    small = image.resize(
        (max(1, round(image.width * factor)), max(1, round(image.height * factor))),
        Image.Resampling.BILINEAR,
    )
    square = Image.new("RGB", (224, 224), "white")
    square.paste(small, ((224 - small.width) // 2, (224 - small.height) // 2))
    tensor = torchvision.transforms.functional.to_tensor(square)
    return torchvision.transforms.functional.normalize(tensor, IMAGENET_MEAN, IMAGENET_STD)


def plain_pools(shared: Path, paths: Iterable[Path]) -> dict[int, Array]:
    """Means over H and W of what hooks see in torchvision's own resnet50, stride moved."""
    model = torchvision.models.resnet50(weights=None)
    state = {key: value.float() for key, value in load_file(weights_file(shared)).items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(key.startswith(("layer4", "fc")) or "num_batches" in key for key in missing)
    for stage in (model.layer2, model.layer3):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    model.layer4, model.fc = nn.Identity(), nn.Identity()
    seen: dict[int, Array] = {}
    for block, module in enumerate((model.relu, model.layer1, model.layer2, model.layer3), start=1):
        module.register_forward_hook(
            lambda _m, _i, out, at=block: seen.__setitem__(
                at, out.double().mean(dim=(2, 3)).numpy()
            )
        )
    with torch.inference_mode():
        model.eval()(torch.stack([plain_input(path) for path in paths]))
    return seen


def squares(paths: Iterable[Path]) -> NDArray[np.uint8]:
    return np.stack([to_square(decode(path.read_bytes()), PAPER) for path in paths])


def test_pools_of_real_pictures_agree_with_plain_torchvision(shared: Path) -> None:
    paths = real_pictures(shared, "product-colors", 6) + real_pictures(shared, "textures", 6)
    expected = plain_pools(shared, paths)
    extractor = real_extractor(shared, "float32")
    for one, pool in product((extractor, compiled(extractor)), GAPS):
        ours, theirs = one.extract(squares(paths), [pool])[pool], expected[pool.block]
        assert ours.shape == theirs.shape == (12, (64, 256, 512, 1024)[pool.block - 1])
        away = np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
        assert away.max() <= 1e-4, pool
        assert (np.abs(ours - theirs) <= 1e-4 * np.abs(theirs) + 1e-6).all(), pool


def top_10(pools: NDArray[np.float32]) -> NDArray[np.int64]:
    """Neighbours of each of n pools after root and centering, by cosine; (n, 10)."""
    centered = np.sqrt(pools) - np.sqrt(pools).mean(axis=0)
    unit = centered / np.linalg.norm(centered, axis=1, keepdims=True)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -1)
    return np.argsort(-similarity, axis=1)[:, :10]


def overlap(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(first, second, strict=True)]))


@pytest.mark.parametrize(("name", "count"), [("product-colors", 920), ("textures", 600)])
def test_bfloat16_finds_the_same_neighbours_as_float32(name: str, count: int, shared: Path) -> None:
    pixels = squares(real_pictures(shared, name, count))
    pools = [*GAPS, PoolName(1, "foreground")]
    half = real_extractor(shared, "bfloat16")
    single = pools_of(compiled(real_extractor(shared, "float32")), pixels, pools)
    for extractor in (half, compiled(half)):
        found = pools_of(extractor, pixels, pools)
        for pool in pools:
            assert not np.array_equal(single[pool], found[pool])
            assert overlap(top_10(single[pool]), top_10(found[pool])) >= 0.95, pool


def pools_of(
    extractor: Extractor, pixels: NDArray[np.uint8], pools: Sequence[PoolName]
) -> dict[PoolName, NDArray[np.float32]]:
    batches = [extractor.extract(pixels[at : at + 32], pools) for at in range(0, len(pixels), 32)]
    return {pool: np.concatenate([batch[pool] for batch in batches]) for pool in pools}


def flat(*color: int) -> NDArray[np.uint8]:
    return np.full((1, 16, 16, 3), color, np.uint8)


@pytest.mark.parametrize("kind", ["gap", "foreground"])
def test_pixels_are_normalised_channel_by_channel(kind: str) -> None:
    extractor, _ = by_hand()
    pool = PoolName(3, kind)  # type: ignore[arg-type]
    found = extractor.extract(flat(51, 102, 204), [pool])[pool]
    assert found.dtype == np.float32
    assert np.allclose(found, [[(0.2 - 0.5) / 0.5, (0.4 - 0.25) / 0.25, 0.8 / 2]], atol=1e-6)


def test_pools_come_back_in_float32_whatever_the_precision() -> None:
    extractor, _ = by_hand("bfloat16")
    pool = PoolName(1, "gap")
    found = extractor.extract(flat(51, 102, 204), [pool])[pool]
    assert found.dtype == np.float32
    assert np.allclose(found, [[-0.6, 0.6, 0.4]], rtol=0.01)


def test_only_the_pools_asked_for_are_made_and_no_stage_past_them_is_run() -> None:
    extractor, stages = by_hand()
    pools = [PoolName(2, "foreground"), PoolName(1, "gap"), PoolName(2, "gap")]
    assert set(extractor.extract(flat(1, 2, 3), pools)) == set(pools)
    assert [stage.runs for stage in stages] == [1, 1, 0]


def test_a_picture_has_the_same_pools_alone_as_in_a_batch() -> None:
    extractor, _ = by_hand()
    pixels = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    pools = [PoolName(1, "gap"), PoolName(2, "foreground")]
    batch = extractor.extract(pixels, pools)
    for at in range(5):
        alone = extractor.extract(pixels[at : at + 1], pools)
        assert all(np.allclose(alone[pool][0], batch[pool][at], atol=1e-6) for pool in pools)


@pytest.mark.parametrize("count", [0, 1, 8, 19])
def test_many_pictures_are_taken_a_few_at_a_time_each_with_its_own_content(count: int) -> None:
    extractor, stages = by_hand()
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (count, 16, 16, 3)).astype(np.uint8)
    content = random.random((count, 16, 16)) < 0.5
    pools = [PoolName(1, "gap"), PoolName(2, "foreground")]
    found = extractor.extract(pixels, pools, content)
    assert stages[0].runs == max(-(-count // 8), 1)
    assert [found[pool].shape for pool in pools] == [(count, 3)] * 2
    for at in range(count):
        alone = extractor.extract(pixels[at : at + 1], pools, content[at : at + 1])
        for pool in pools:
            np.testing.assert_allclose(found[pool][at], alone[pool][0], atol=1e-6)


def test_pixels_straight_from_a_picture_are_taken() -> None:
    square = to_square(Image.new("RGB", (16, 16), (9, 9, 9)), Preprocess(size=16))
    pool = PoolName(1, "gap")
    assert by_hand()[0].extract(square[None], [pool])[pool].shape == (1, 3)


@pytest.mark.parametrize("block", [0, -1, 4, 6])
def test_a_block_that_is_not_there_is_refused(block: int) -> None:
    extractor, _ = by_hand()
    assert extractor.channels == (3, 3, 3)
    with pytest.raises(BlockError, match=rf"block {block} is not there: .* to block 3"):
        extractor.extract(flat(1, 2, 3), [PoolName(1, "gap"), PoolName(block, "gap")])
    with pytest.raises(BlockError, match=f"block {block} is not there"):
        extractor.local(flat(1, 2, 3), [PoolName(block, "gap")])


def test_no_pools_are_no_work() -> None:
    extractor, stages = by_hand()
    assert extractor.extract(flat(1, 2, 3), []) == {}
    assert [stage.runs for stage in stages] == [0, 0, 0]
