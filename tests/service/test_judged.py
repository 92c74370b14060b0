"""Judgements as arrays: pools of both sides, and what is left out."""

from pathlib import Path

import numpy as np
import pytest

from indexer.feedback import Judgement, Shown
from service.editing import Put
from service.errors import FeedbackError
from service.judged import gather
from service.judgements import page_of
from service.judging import Feedback, Judge, Pair, PaletteExample
from service.opening import Opened
from service.query import ImageExample, Swatch


def judge(opened: Opened, *pairs: tuple[str, str, bool]) -> None:
    found = [
        Pair(attribute="color", query=ImageExample(key=query), hit=hit, same=same)
        for query, hit, same in pairs
    ]
    Judge(opened.store, opened.searcher, 100).record(Feedback(pairs=found), {})


def slot(opened: Opened, key: str) -> int:
    item = opened.store.item(key)
    assert item is not None
    return item.slot


def test_rows_are_those_of_the_items_and_examples_that_were_judged(opened: Opened) -> None:
    judge(opened, ("001.png", "002.png", True), ("007.png", "001.png", False))
    red = PaletteExample(palette=[Swatch(hex="#ff0000")])
    pair = Pair(attribute="color", query=red, hit="002.png", same=False)
    Judge(opened.store, opened.searcher, 100).record(Feedback(pairs=[pair]), {})
    found = gather(opened.store, "color")
    assert found.gone == 0
    assert found.pairs.same.tolist() == [True, False, False]
    assert set(found.pools) == set(opened.store.manifest.pools)
    assert found.pairs.rows.shape == (3, 2)
    colors = opened.searcher.embedder.color_pools(red.palette)
    for name, rows in found.pools.items():
        assert rows.shape == (4, opened.store.manifest.pools[name])
        sides = [("001.png", "002.png"), ("007.png", "001.png")]
        for pair_rows, keys in zip(found.pairs.rows, sides, strict=False):
            slots = np.array([slot(opened, key) for key in keys])
            stored = opened.store.pools(slots, [name])[name]
            np.testing.assert_array_equal(rows[pair_rows], stored)
        np.testing.assert_allclose(rows[found.pairs.rows[2, 0]], colors[name][0], atol=1e-3)


def test_pairs_of_items_that_are_gone_or_replaced_are_counted_and_left_out(
    opened: Opened, pictures: Path
) -> None:
    judge(opened, ("001.png", "002.png", True), ("003.png", "004.png", True),
          ("005.png", "006.png", False))  # fmt: skip
    opened.editor.remove("002.png")
    opened.editor.put(Put("005.png", (pictures / "009.png").read_bytes(), {}))
    found = gather(opened.store, "color")
    assert (len(found.pairs), found.gone) == (1, 2)
    assert [one.usable for one in page_of(opened.store, None, 0, 9).feedback] == [
        False, True, False,
    ]  # fmt: skip
    judge(opened, ("005.png", "006.png", True))  # of the new picture, and the old one stays
    assert opened.store.feedback.count() == 4
    assert (len(gather(opened.store, "color").pairs), found.gone) == (2, 2)


def test_a_pair_with_damaged_pools_is_left_out(opened: Opened, fake_index: Path) -> None:
    judge(opened, ("001.png", "002.png", True), ("003.png", "004.png", False))
    path = sorted((fake_index / "pools").iterdir())[0]
    data = bytearray(path.read_bytes())
    data[slot(opened, "002.png") * len(data) // 20] ^= 1
    path.write_bytes(data)
    found = gather(opened.store, "color")
    assert (found.pairs.same.tolist(), found.gone) == ([False], 1)


def test_nothing_to_learn_from_is_said(opened: Opened) -> None:
    with pytest.raises(FeedbackError, match=r"nobody has judged 'color' yet: .* are none"):
        gather(opened.store, "color")
    gone = Shown("gone", 1, 999)
    opened.store.feedback.put([Judgement("color", gone, Shown("x", 1, 998), True)], {}, 9)
    with pytest.raises(FeedbackError, match="all 1 judgements of 'color' are gone or replaced"):
        gather(opened.store, "color")
    with pytest.raises(FeedbackError, match=r"nobody has judged 'texture' yet: .* are color"):
        gather(opened.store, "texture")
