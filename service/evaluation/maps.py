"""The maps of a report: the pictures of a column laid out by each block, near ones near."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from service.evaluation.candidates import candidates
from service.evaluation.evaluating import Subject, vectors_of, with_statistics
from service.evaluation.gallery import Gallery, Picture
from service.evaluation.layout import (
    MIN_ITEMS,
    Places,
    Plane,
    fitted,
    lay_out,
    sampled,
    thinned,
)
from service.evaluation.matching import LabelColumn
from service.evaluation.ranking import Rows
from service.evaluation.results import ColumnResult, Row
from service.evaluation.shades import OTHERS, shades

# A thumbnail with its frame, of which so much is seen on each side.
PLANE, _SIDE, FRAME = Plane(), 38.0, 2.5


@dataclass(frozen=True)
class Thumb:
    """A picture on a map: its corner and size in units of the map, and its class's color."""

    picture: Picture
    x: float
    y: float
    width: float
    height: float
    color: str
    label: str
    key: str


@dataclass(frozen=True)
class Dots:
    """The other pictures of one color, as the ``d`` of an SVG path."""

    color: str
    path: str


@dataclass(frozen=True)
class BlockMap:
    """One map: ``row`` is what it is a map of."""

    row: Row
    thumbs: tuple[Thumb, ...]
    dots: tuple[Dots, ...]


@dataclass(frozen=True)
class Maps:
    """The maps of a column; ``legend`` has (label, color, examples). Without maps, ``why`` says
    why there are none."""

    drawn: tuple[BlockMap, ...]
    legend: tuple[tuple[str, str, int], ...]
    items: int
    total: int
    why: str = ""


def best_of_blocks(column: ColumnResult) -> list[Row]:
    """Return the best row of each block, in order, and the best of all if it has several blocks."""
    best: dict[int, Row] = {}
    for row in column.rows:
        if row.block and (
            row.block not in best
            or row.measures["map"].value > best[row.block].measures["map"].value
        ):
            best[row.block] = row
    rows = [best[block] for block in sorted(best)]
    return rows if column.row(column.best) in rows else [*rows, column.row(column.best)]


@dataclass
class MapMaker:
    """Draws maps of ``subject``; what two columns have in common is laid out once. ``tick`` is
    called after each map."""

    subject: Subject
    gallery: Gallery
    seed: int
    tick: Callable[[], None]
    _places: dict[tuple[str, bytes], Places] = field(default_factory=dict)

    def maps(self, column: LabelColumn, found: ColumnResult) -> Maps:
        """Return the maps of ``column``, a block each."""
        labelled = np.flatnonzero(column.codes >= 0)
        rows = sampled(labelled, self.seed)
        counts = dict(zip(column.classes, column.counts.tolist(), strict=True))
        colors = shades(counts)
        legend = tuple((name, colors[name], counts[name]) for name in counts)
        drawn: list[BlockMap] = []
        why = ""
        if len(rows) < MIN_ITEMS:
            why = f"A map wants at least {MIN_ITEMS} pictures, and {len(rows)} are labelled."
        else:
            drawn = [self._map(row, column, rows, colors) for row in best_of_blocks(found)]
            if not any(one.thumbs for one in drawn):
                why, drawn = "There is no map, since the pictures cannot be read any more.", []
        return Maps(tuple(drawn), legend, len(rows), len(labelled), why)

    def _map(self, row: Row, column: LabelColumn, rows: Rows, colors: dict[str, str]) -> BlockMap:
        places = fitted(self._laid_out(row.name, rows), PLANE)
        self.tick()
        order = np.random.default_rng(self.seed).permutation(len(rows))
        thumbs: dict[int, Thumb] = {}
        shown = [column.classes[code] for code in column.codes[rows].tolist()]
        for at in thinned(places, order, _SIDE):
            item = self.subject.labelled.items[rows[at]]
            picture = self.gallery.of(item)
            if picture:
                label = shown[at]
                thumbs[at] = _thumb(picture, places[at], colors[label], label, item.key)
        rest = [at for at in range(len(rows)) if at not in thumbs]
        dots = tuple(_dots(places, rest, [colors[label] for label in shown]))
        return BlockMap(row, tuple(thumbs.values()), dots)

    def _laid_out(self, name: str, rows: Rows) -> Places:
        key = (name, rows.tobytes())
        if key not in self._places:
            store, slots = self.subject.store, self.subject.labelled.slots
            one = next(one for one in candidates(store.manifest) if one.name == name)
            space = with_statistics(store, one.space, slots)
            vectors = vectors_of(store, space, slots[rows])
            self._places[key] = lay_out(vectors, space.metric, self.seed)
        return self._places[key]


def _thumb(picture: Picture, place: Places, color: str, label: str, key: str) -> Thumb:
    inner = _SIDE - 2 * FRAME - 1
    scale = inner / max(picture.width, picture.height)
    width, height = picture.width * scale, picture.height * scale
    x, y = place.tolist()
    return Thumb(picture, x - width / 2, y - height / 2, width, height, color, label, key)


def _dots(places: Places, rows: list[int], colors: list[str]) -> Iterator[Dots]:
    # What is nobody's color goes below.
    for color in sorted(set(colors), key=lambda one: one != OTHERS):
        path = "".join(
            f"M{places[at, 0]:.1f} {places[at, 1]:.1f}h0" for at in rows if colors[at] == color
        )
        if path:
            yield Dots(color, path)
