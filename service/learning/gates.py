"""Whether what was learned may be installed: better than chance, and than what is there.

The best of many comes out too well on the items it was chosen by. So it is chosen anew on each
bootstrap resample and judged on the items left out of that (Tsamardinos et al. 2018, "Bootstrapping
the out-of-sample predictions"), which takes the luck of the choice out of the estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.evaluation.intervals import Interval
from service.learning.arrays import Doubles
from service.learning.choosing import Search

RESAMPLES = 1000
SIGNIFICANCE = 0.01
_PERCENTILES = (5, 95)


@dataclass(frozen=True)
class Verdict:
    """Mean average precision ``before`` and ``after`` and the ``gain``, with 90 % intervals, and
    the ``accuracy`` of guesses beside what ``chance`` gives; ``p_value`` is the probability that
    chance does as well. ``refused`` says why it must not be installed, ``warning`` why it should
    be looked at."""

    before: Interval
    after: Interval
    gain: Interval
    accuracy: float
    chance: float
    p_value: float
    refused: str | None
    warning: str | None


def judge(found: Search, seed: int = 0) -> Verdict:
    """Return what out-of-bag estimates say about the best of a search."""
    from scipy.stats import binomtest

    asked = found.free.asked
    count = len(asked)
    random = np.random.default_rng(seed)
    draws = np.stack([np.bincount(random.integers(0, count, count), minlength=count)
                      for _ in range(RESAMPLES)])  # fmt: skip
    precision = np.stack([one.scores.precision for one in found.tried])
    right = np.stack([one.scores.right for one in found.tried])
    winners = (precision[:, asked] @ draws[:, asked].T).argmax(axis=0)
    left_out = (draws == 0) & asked
    usable = left_out.any(axis=1)
    winners, left_out = winners[usable], left_out[usable]
    before = _means(np.broadcast_to(found.free.precision, left_out.shape), left_out)
    after = _means(precision[winners], left_out)
    accuracy = float(_means(right[winners], left_out).mean())
    chance = float(np.mean([found.tried[at].scores.chance for at in winners]))
    # Each item was right or not, on average over how often it was held out.
    hits = round(accuracy * count)
    p_value = float(binomtest(hits, count, chance, alternative="greater").pvalue)
    gain = interval(after - before)
    refused, warning = _reasons(gain, accuracy, chance, p_value)
    return Verdict(
        interval(before), interval(after), gain, accuracy, chance, p_value, refused, warning
    )


def interval(values: Doubles) -> Interval:
    """Return the mean of resamples with the bounds of the middle 90 %."""
    low, high = np.percentile(values, _PERCENTILES)
    return Interval(float(values.mean()), float(low), float(high))


def _means(values: Doubles, mask: Doubles) -> Doubles:
    found: Doubles = (values * mask).sum(axis=1) / mask.sum(axis=1)
    return found


def _reasons(
    gain: Interval, accuracy: float, chance: float, p_value: float
) -> Sequence[str | None]:
    if p_value >= SIGNIFICANCE:
        return (
            f"held-out labels are guessed {accuracy:.0%} right, by chance it is {chance:.0%} "
            f"(p = {p_value:.2g}): these pictures do not show what the labels say, or there are "
            "too few labels",
            None,
        )
    if gain.value <= 0:
        return f"it is no better than what is there: {gain.value:+.3f} mAP", None
    if gain.low <= 0:
        return None, (
            f"the gain may be none, {gain.value:+.3f} mAP [{gain.low:+.3f}, {gain.high:+.3f}]: "
            "label more pictures to be sure"
        )
    return None, None
