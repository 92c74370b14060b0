"""What a fit looks like in a terminal."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from service.commands.console import out, say
from service.evaluation.verdict import as_text

if TYPE_CHECKING:
    from service.learning.correcting import CorrectionResult
    from service.learning.results import FitResult

_MAX_TRIED = 8


def print_fit(found: "FitResult") -> None:
    """Print before and after, what was chosen out of what, and what became of it."""
    verdict, gain = found.verdict, found.verdict.gain
    say(
        f"{found.attribute}: {found.labelled} labelled pictures in {len(found.classes)} classes, "
        f"{found.unlabelled} without a label, {found.backbone}"
    )
    table = _table("", "mAP, held out", "dimensions")
    table.add_row(f"before: {found.free}", as_text(verdict.before), str(found.free_dimension))
    table.add_row("after: learned", as_text(verdict.after), str(found.dimension), style="bold")
    _print(table)
    say(f"gain {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]; held-out labels guessed "
        f"{verdict.accuracy:.0%} right, by chance {verdict.chance:.0%}")  # fmt: skip
    beside = f", beside {found.mix:.0%} of {found.free}" if found.mix else ""
    say(f"learned by {found.method}, ridge {found.ridge:g}, from {', '.join(found.pools)}{beside}")
    tried = _table("tried", "pools", "mAP, held out", "right")
    for row in found.tried[:_MAX_TRIED]:
        tried.add_row(row.method, row.pools, f"{row.map:.3f}", f"{row.accuracy:.0%}")
    _print(tried)
    if found.installed:
        before = f", before in {found.space_before}" if found.space_before else ", a new attribute"
        say(f"{found.attribute}: searches in {found.space} from now on{before}")
    elif not verdict.refused:
        say(f"{found.attribute}: nothing was installed")


def print_correction(found: "CorrectionResult") -> None:
    """Print what pairs there were, before and after, and what became of it."""
    verdict = found.verdict
    gone = f", {found.gone} more are of pictures that are gone" if found.gone else ""
    ignored = f", {found.ignored} contradicted by others" if found.ignored else ""
    say(f"{found.attribute}: {found.pairs} judged pairs, {found.same} of them the same{gone}; "
        f"they make {found.chunklets} groups of pictures{ignored}")  # fmt: skip
    if verdict.before and verdict.after and verdict.gain:
        gain = verdict.gain
        table = _table("", "held-out pairs told apart", "dimensions")
        before, after = as_text(verdict.before), as_text(verdict.after)
        table.add_row(f"before: {found.before}", before, str(found.dimension_before))
        table.add_row("after: learned", after, str(found.dimension), style="bold")
        _print(table)
        beside = f", beside {found.mix:.0%} of {found.before}" if found.mix else ""
        say(f"gain {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]{beside}")
    if found.installed:
        before = f", before in {found.space_before}" if found.space_before else ", a new attribute"
        say(f"{found.attribute}: searches in {found.space} from now on{before}")
    elif not verdict.refused:
        say(f"{found.attribute}: nothing was installed")


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, no_wrap=True)
    return table


def _print(table: Table) -> None:
    # Whole, even if the terminal has to wrap it: half a number is none.
    Console(highlight=False, soft_wrap=True, width=max(out.width, 120)).print(table)
