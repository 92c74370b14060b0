"""A call's choices to a network and options: what is left out gets what suits the network."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.backbones import AUTO, MNIST, Backbone, get_backbone, preact_backbone
from models.errors import one_of
from models.preact import PreactShape, parse_preact
from models.training.options import (
    DECAYS,
    OPTIMIZERS,
    RATES,
    Augmentation,
    TrainingError,
    TrainingOptions,
)
from service.opening import runtime
from service.settings import Settings

if TYPE_CHECKING:
    from models.download import Progress
    from models.training.classifier import Trainable
    from models.weights import State

PREACT, SCRATCH = "preact", "none"
MNIST_SIDE, LEAST_SIDE = 28, 32
_SHAPE = {"depth": 18, "width": 64, "se": False}


@dataclass(frozen=True)
class TrainingCall:
    """What `hueweave train` was asked for besides its source and settings; None: not given.

    ``shape`` holds depth, width and se of a pre-activation network; ``options`` are fields of
    TrainingOptions and Augmentation by name. ``validation`` is the share kept aside.
    """

    output: Path
    labels: Path | None = None
    attribute: str | None = None
    shape: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    validation: float = 0.2
    restart: bool = False


@dataclass(frozen=True)
class Start:
    """The network that a training starts from: a backbone, or None for the digits' network, and
    its weights, None for random ones."""

    name: str
    backbone: Backbone | None
    weights: "State | None" = None

    def network(self, classes: int, seed: int, frozen: int) -> "Trainable":
        """Return it with a head for ``classes``."""
        from models.training.classifier import make_classifier, make_mnist

        if self.backbone is None:
            return make_mnist(classes, seed)
        return make_classifier(self.backbone, classes, seed, self.weights, frozen)

    def check_frozen(self, frozen: int) -> None:
        """Raise TrainingError if ``frozen`` blocks leave none to train, WeightsError if the
        weights are another network's."""
        from models.training.classifier import trained_depth

        if self.backbone is not None:
            trained_depth(self.backbone, self.weights, frozen)
        elif frozen:
            raise TrainingError(f"freeze {frozen}: {self.name!r} has no trained blocks, give 0")


@dataclass(frozen=True)
class Plan:
    """A call with everything chosen that it left out."""

    call: TrainingCall
    start: Start
    options: TrainingOptions


def make_plan(
    call: TrainingCall,
    settings: Settings,
    notify: Callable[[str], None],
    progress: "Progress | None" = None,
) -> Plan:
    """Return what is to be done; raises what ``choose_start`` and ``choose_options`` do."""
    start = choose_start(settings, call.shape, notify, progress)
    return Plan(call, start, choose_options(start, settings, call.options))


def choose_start(
    settings: Settings,
    shape: dict[str, Any],
    notify: Callable[[str], None],
    progress: "Progress | None" = None,
) -> Start:
    """Return the network and the weights that the settings name.

    Raises UnknownNameError, WeightsError, or TrainingError for choices that contradict.
    """
    name, weights = settings.backbone, settings.weights
    asked = [one for one, value in shape.items() if value]
    if asked and name != PREACT:
        raise TrainingError(f"{asked[0]} is for --backbone preact alone, not for {name!r}")
    if name == MNIST:
        if weights not in (None, SCRATCH):
            raise TrainingError(f"{MNIST!r} is trained from random weights: leave --weights out")
        return Start(MNIST, None)
    if name == PREACT:
        given = {one: value for one, value in shape.items() if value is not None}
        spec = _preact(PreactShape(**(_SHAPE | given)))
        name = spec.name
    if weights == SCRATCH and name == AUTO:
        raise TrainingError("random weights of which network? name one with --backbone")
    if weights == SCRATCH or (weights is None and parse_preact(name)):
        return Start(name, get_backbone(name))
    return _trained(name, weights, settings, notify, progress)


def choose_options(start: Start, settings: Settings, given: dict[str, Any]) -> TrainingOptions:
    """Return options: those ``given``, else what suits the network and where it starts from.

    Raises UnknownNameError, WeightsError, or TrainingError for one that does not fit.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    optimizer = one_of("optimizer", chosen.get("optimizer", "sgd"), OPTIMIZERS)
    digits = start.backbone is None
    size = chosen.setdefault("size", MNIST_SIDE if digits else 224)
    if digits and size != MNIST_SIDE:
        raise TrainingError(f"size {size}: {MNIST!r} sees pictures of side {MNIST_SIDE} alone")
    if not digits and size < LEAST_SIDE:
        raise TrainingError(f"size {size}: five blocks halve it to nothing, give {LEAST_SIDE}")
    start.check_frozen(chosen.get("freeze", 0))
    chosen.setdefault("rate", RATES[optimizer][start.weights is not None])
    chosen.setdefault("weight_decay", DECAYS[optimizer])
    augmentation = {n: chosen.pop(n) for n in ("crop", "flip", "jitter") if n in chosen}
    # A mirrored digit is another one, or none.
    base: dict[str, Any] = {"crop": 0.8, "flip": False} if digits else {}
    return TrainingOptions(
        **chosen, batch_size=settings.batch_size, augmentation=Augmentation(**(base | augmentation))
    )


def _preact(shape: PreactShape) -> Backbone:
    if shape.problem:
        raise TrainingError(shape.problem)
    return preact_backbone(shape)


def _trained(
    name: str,
    weights: str | None,
    settings: Settings,
    notify: Callable[[str], None],
    progress: "Progress | None",
) -> Start:
    from models.loading import check_declared, choose_weights
    from models.weights import load_state

    spec, found = choose_weights(name, weights, runtime(settings, progress), notify)
    check_declared(spec, found)
    return Start(spec.name, spec, load_state(found))
