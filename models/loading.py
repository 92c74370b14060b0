"""From names to a running extractor: weights found, checked against a recipe, loaded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from models.backbones import AUTO, PACKAGED, Backbone, get_backbone
from models.download import Progress
from models.errors import WeightsError, WeightsUnavailableError
from models.extraction import Extractor
from models.extractor import NetworkExtractor
from models.network import load_network
from models.precision import choose_device, choose_precision
from models.preprocess import Preprocess
from models.recipe import Recipe
from models.weights import Weights, declared_backbone, find_weights, load_state

PREFERRED, PACKAGED_FALLBACK = "resnet50", "efficientnet_lite0"


@dataclass(frozen=True)
class Runtime:
    """How to run, as opposed to what: no part of it changes a recipe."""

    device: str = "auto"
    precision: str = "auto"
    mirror: str | None = None
    progress: Progress | None = None


DEFAULT_RUNTIME = Runtime()


@dataclass(frozen=True)
class Loaded:
    """A recipe and the extractor that follows it."""

    recipe: Recipe
    extractor: Extractor


def load_new(
    backbone: str,
    weights: str | None,
    blocks: Iterable[int] | None,
    preprocess: Preprocess,
    runtime: Runtime = DEFAULT_RUNTIME,
    notify: Callable[[str], None] = lambda notice: None,
    known: Iterable[Loaded] = (),
) -> Loaded:
    """Return an extractor for a new index, choosing for ``auto`` what can be had.

    ``blocks`` None stands for those that the backbone is best stored with. One of ``known`` that
    is what would be loaded is returned instead.

    ``auto`` is resnet50 if its weights are on disk or can be downloaded, else the packaged
    efficientnet_lite0 with one notice that says why. Raises WeightsError or BlockError if the
    weights cannot be had or do not reach the deepest of ``blocks``.
    """
    spec, found = choose_weights(backbone, weights, runtime, notify)
    stored = tuple(blocks or spec.stored)
    wanted = Recipe(spec.name, found.name, "", found.mean, found.std, preprocess)
    for one in known:
        as_deep = len(one.extractor.channels) == max(stored)
        if as_deep and replace(one.recipe, weights_sha256="") == wanted:
            return one
    return _load(spec, found, stored, preprocess, runtime)


def load_pinned(
    recipe: Recipe,
    blocks: Iterable[int],
    weights: str | None = None,
    runtime: Runtime = DEFAULT_RUNTIME,
    stored: Callable[[str], bytes] | None = None,
) -> Loaded:
    """Return an extractor that follows ``recipe`` to the letter.

    ``weights`` says where they lie now, if not where the recipe has them. Raises WeightsError
    naming both digests if what is found there is something else.

    An int8 network is what ``stored`` gives for its SHA-256; the weights it was made of are looked
    at only if they are named.
    """
    recipe.check_precision(runtime.precision, runtime.device)
    if recipe.quantized:
        if weights:
            floats = replace(recipe, quantized=None)
            load_pinned(floats, blocks, weights, replace(runtime, precision="float32"))
        if stored is None:
            raise WeightsError("an int8 network is only to be had with its index")
        from models.quantized import quantized_extractor

        return Loaded(recipe, quantized_extractor(stored(recipe.quantized), recipe.preprocess))
    spec = get_backbone(recipe.backbone)
    try:
        found = find_weights(
            spec, weights or recipe.weights, mirror=runtime.mirror, progress=runtime.progress
        )
    except WeightsError as error:
        raise type(error)(
            f"{error} (this index needs {recipe.backbone} weights with SHA-256 "
            f"{recipe.weights_sha256}; name their place with --weights)"
        ) from error
    found = replace(found, mean=recipe.mean, std=recipe.std)
    loaded = _load(spec, found, blocks, recipe.preprocess, runtime)
    if loaded.recipe.weights_sha256 != recipe.weights_sha256:
        raise WeightsError(
            f"weights {found.name!r} have SHA-256 {loaded.recipe.weights_sha256}, the index was "
            f"built with {recipe.weights_sha256}: name the right ones with --weights"
        )
    return loaded


def choose_weights(
    backbone: str, weights: str | None, runtime: Runtime, notify: Callable[[str], None]
) -> tuple[Backbone, Weights]:
    """Return the backbone called so and its weights, choosing for ``auto`` what can be had."""
    name = _preferred(weights) if backbone == AUTO else backbone
    if backbone == AUTO and name != PREFERRED and weights != PACKAGED:
        notify(f"using {name}, which is what {weights!r} is for")
    spec = get_backbone(name)
    try:
        return spec, find_weights(spec, weights, mirror=runtime.mirror, progress=runtime.progress)
    except WeightsUnavailableError as error:
        if backbone != AUTO or weights is not None:
            raise
        notify(
            f"using the packaged {PACKAGED_FALLBACK}, because {PREFERRED} is not to be had: "
            f"{error}. For {PREFERRED}, connect once, or set HUEWEAVE_WEIGHTS_MIRROR, or give "
            f"--backbone {PREFERRED} --weights FILE"
        )
        fallback = get_backbone(PACKAGED_FALLBACK)
        return fallback, find_weights(fallback)


def _preferred(weights: str | None) -> str:
    """Packaged weights, or a file that says what it is for, decide; else resnet50."""
    if weights == PACKAGED:
        return PACKAGED_FALLBACK
    path = Path(weights) if weights else None
    return (path and path.is_file() and declared_backbone(path)) or PREFERRED


def check_declared(spec: Backbone, found: Weights) -> None:
    """Raise WeightsError if a weights file says that it is for another backbone."""
    declared = declared_backbone(found.path)
    if declared not in (None, spec.name):
        raise WeightsError(
            f"weights {str(found.path)!r} are for {declared!r}, not for {spec.name!r}: "
            f"use --backbone {declared}"
        )


def _load(
    spec: Backbone,
    found: Weights,
    blocks: Iterable[int],
    preprocess: Preprocess,
    runtime: Runtime,
) -> Loaded:
    check_declared(spec, found)
    network, digest = load_network(spec, load_state(found), blocks)
    device = choose_device(runtime.device)
    extractor = NetworkExtractor(
        network,
        spec.channels,
        found.mean,
        found.std,
        preprocess,
        device,
        choose_precision(runtime.precision, device),
    )
    recipe = Recipe(spec.name, found.name, digest, found.mean, found.std, preprocess)
    return Loaded(recipe, extractor)
