"""The network alone: what an extractor makes of it, beside other ways to run the same one.

Each way runs on all cores and is timed in turn with the others, so that a machine that slows down
slows all of them. Pools are what both attributes of the default preset ask for.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median

import numpy as np
import torch
import torchvision

from benchmarks.report import Figure
from indexer.presets import get_preset
from models.compiled import compiled
from models.extraction import Extractor, PoolName
from models.extractor import NetworkExtractor
from models.graph import convert
from models.loading import Loaded, Runtime, load_new
from models.precision import choose_device, choose_precision
from models.preprocess import Pixels
from models.quantizing import quantize
from models.unobserved import load_nncf, load_openvino, quiet

COLOR = (PoolName(1, "foreground"), PoolName(2, "foreground"))
TEXTURE = (PoolName(4, "gap"),)
_BLOCKS, _PICTURES = (1, 2, 3, 4), 64
Run = Callable[[Pixels], object]
_HINTS = {"float32": "f32", "bfloat16": "bf16"}


def measure(weights: Path, repeats: int) -> Iterator[Figure]:
    """Yield, for each precision, our speed against the fastest other way found, and what color
    alone costs against texture."""
    pixels = np.random.default_rng(0).integers(0, 256, (_PICTURES, 224, 224, 3), dtype=np.uint8)
    for precision, extractor in extractors(weights, pixels).items():
        for name, pools in (("blocks 1-2", COLOR[1:]), ("blocks 1-4", TEXTURE)):
            gap = [PoolName(pool.block, "gap") for pool in pools]
            ways: dict[str, Run] = {"ours": lambda some, e=extractor, g=gap: e.extract(some, g)}
            depth = gap[-1].block
            if precision != "int8":
                ways |= _torch_ways(weights, depth, precision)
            ways |= _openvino_ways(weights, pixels, depth, precision)
            rates = _rates(ways, pixels, repeats)
            shown = ", ".join(f"{way} {rate:.0f}" for way, rate in rates.items())
            print(f"  network, {precision}, {name}, pictures/s: {shown}", flush=True)
            ours, best = rates.pop("ours"), max(rates.values())
            label = f"network, {precision}, {name}: ours / fastest other, pictures per second"
            yield Figure(label, ours / best, 0.95, True)
        costs = _rates(
            {
                "color": lambda some, e=extractor: e.extract(some, COLOR),
                "texture": lambda some, e=extractor: e.extract(some, TEXTURE),
            },
            pixels,
            repeats,
        )
        yield Figure(
            f"network, {precision}: color / texture, time",
            costs["texture"] / costs["color"],
            0.45,
            False,
        )


def extractors(weights: Path, pixels: Pixels) -> dict[str, Extractor]:
    """Return what runs many pictures here, by precision: those this processor computes in."""
    found: dict[str, Extractor] = {}
    native = choose_precision("auto", choose_device("cpu")) == "bfloat16"
    for precision in ("float32", *(["bfloat16"] if native else [])):
        found[precision] = compiled(_loaded(weights, precision).extractor)
    found["int8"] = quantize(_loaded(weights, "float32"), pixels)[0].extractor
    return found


def _loaded(weights: Path, precision: str) -> Loaded:
    preprocess = get_preset("default").preprocess
    return load_new("resnet50", str(weights), _BLOCKS, preprocess, Runtime("cpu", precision))


def _torch_ways(weights: Path, depth: int, precision: str) -> dict[str, Run]:
    """Return torch as most run it, channels-last, and frozen by its own compiler of graphs."""
    net = torchvision.models.resnet50()
    net.load_state_dict(torch.load(weights, weights_only=True))
    stem = torch.nn.Sequential(net.conv1, net.bn1, net.relu)
    rest = [torch.nn.Sequential(net.maxpool, net.layer1), net.layer2, net.layer3]
    part = torch.nn.Sequential(stem, *rest[: depth - 1]).eval()
    dtype = getattr(torch, precision)
    last = torch.channels_last

    def run(module: Callable[[torch.Tensor], torch.Tensor], batch: int) -> Run:
        def all_of(pixels: Pixels) -> None:
            with torch.inference_mode():
                for at in range(0, len(pixels), batch):
                    some = torch.from_numpy(pixels[at : at + batch]).permute(0, 3, 1, 2).float()
                    module((some / 255).to(dtype, memory_format=last)).float().mean(dim=(2, 3))

        return all_of

    part = part.to(dtype, memory_format=last)
    ways = {"torch": run(part, 32)}
    with suppress(RuntimeError), torch.inference_mode():
        traced = torch.jit.trace(
            part, torch.zeros(8, 3, 224, 224, dtype=dtype).to(memory_format=last)
        )
        ways["torch, frozen"] = run(torch.jit.optimize_for_inference(torch.jit.freeze(traced)), 8)
    return ways


def _openvino_ways(weights: Path, pixels: Pixels, depth: int, precision: str) -> dict[str, Run]:
    """Return OpenVINO as its own tools run it, for throughput and for latency: as many requests as
    it asks for, and a plain mean of the last map."""
    openvino = load_openvino()
    ops = openvino.opset13
    extractor = _loaded(weights, "float32").extractor
    assert isinstance(extractor, NetworkExtractor)
    model = convert(extractor)
    if precision == "int8":
        nncf = load_nncf()
        with quiet():
            model = nncf.quantize(model, nncf.Dataset([one[None] for one in pixels]))
    values = model.output(depth - 1).get_node().input_value(0)
    mean = ops.result(ops.reduce_mean(values, np.array([2, 3]), False))
    cut = openvino.Model([mean], [model.input(0).get_node()], "cut")
    options = {"INFERENCE_PRECISION_HINT": _HINTS.get(precision, "bf16")}
    core, ways = openvino.Core(), {}
    for hint in ("THROUGHPUT", "LATENCY"):
        whole = core.compile_model(cut, "CPU", options | {"PERFORMANCE_HINT": hint})
        queue = openvino.AsyncInferQueue(whole)

        def all_of(some: Pixels, queue: object = queue) -> None:
            for one in some:
                queue.start_async({0: one[None]})  # type: ignore[attr-defined]
            queue.wait_all()  # type: ignore[attr-defined]

        ways[f"OpenVINO, {hint.lower()}"] = all_of
    return ways


def _rates(ways: dict[str, Run], pixels: Pixels, repeats: int) -> dict[str, float]:
    """Return pictures a second of each way, run in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for run in ways.values():
        run(pixels[:8])
    for _ in range(repeats):
        for name, run in ways.items():
            seconds[name].append(_timed(lambda run=run: run(pixels)))
    return {name: len(pixels) / median(times) for name, times in seconds.items()}


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
