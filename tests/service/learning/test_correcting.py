"""Attributes learned from judgements, and installed if held-out pairs show that they help."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from api.main import run
from indexer.feedback import Judgement, Shown
from indexer.local import LocalStore
from service.judged import gather
from service.learning.correcting import correct
from service.learning.fitting import Options
from service.learning.installing import JUDGED, install, space_of
from tests.fakes import build_fake

# Too faint beside what differs from picture to picture for a search without judgements.
KINDS = np.array([[40, 0, 0], [0, 40, 0], [0, 0, 40], [30, 30, 0]])
COUNT = 80


def draw(folder: Path, seed: int = 0) -> list[int]:
    """Write pictures of four kinds: their lower right says which, the rest is chance."""
    folder.mkdir()
    random = np.random.default_rng(seed)
    kinds = random.integers(0, len(KINDS), COUNT).tolist()
    for at, kind in enumerate(kinds):
        pixels = np.kron(random.integers(0, 200, (4, 4, 3)), np.ones((4, 4, 1)))
        pixels[12:, 12:] = 60 + KINDS[kind] * 2 + random.integers(0, 12, 3)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{at:03}.png")
    return kinds


def shown_in(store: LocalStore) -> list[Shown]:
    return [Shown(one.key, one.version, one.slot) for one in store.items_after(None, COUNT)]


def put(store: LocalStore, kinds: list[int], count: int, *, seed: int = 0) -> None:
    """Record ``count`` judgements, about half of them the same."""
    random, items = np.random.default_rng(seed), shown_in(store)
    found: dict[frozenset[int], Judgement] = {}
    while len(found) < count:
        one, other = (int(at) for at in random.choice(COUNT, 2, replace=False))
        same = kinds[one] == kinds[other]
        if same or random.random() < 0.4:
            found[frozenset((one, other))] = Judgement("kind", items[one], items[other], same)
    store.feedback.put(list(found.values()), {}, 10_000)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    folder = tmp_path_factory.mktemp("kinds")
    kinds = draw(folder / "pictures")
    build_fake(folder / "index", folder / "pictures", batch_size=32)
    return folder / "index", kinds


@pytest.fixture
def index(drawn: tuple[Path, list[int]], tmp_path: Path) -> Path:
    import shutil

    shutil.copytree(drawn[0], tmp_path / "index")
    return tmp_path / "index"


@pytest.fixture
def kinds(drawn: tuple[Path, list[int]]) -> list[int]:
    return drawn[1]


def fit(*arguments: object, code: int = 0) -> None:
    assert run(["fit", *map(str, arguments)]) == code


def test_judgements_teach_an_attribute_that_is_searched_at_once(
    index: Path, kinds: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(LocalStore(index)) as store:
        put(store, kinds, 500)
    fit("kind", "--feedback", "--index", index, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["installed"] is True
    assert found["verdict"]["refused"] is None
    assert found["verdict"]["gain"]["low"] > 0
    assert (found["pairs"], found["chunklets"], found["ignored"]) == (500, 4, 0)
    with closing(LocalStore(index)) as store:
        space = store.manifest.space_of_attribute("kind")
        assert space.name.startswith(JUDGED)
        assert space.branches[0].method == "learned"
        assert _right(store, "kind", kinds) > 0.75
        assert _right(store, "color", kinds) < 0.5


def _right(store: LocalStore, attribute: str, kinds: list[int]) -> float:
    """Return the share of the five nearest of each item that are of its kind."""
    view, slots = store.view(), [one.slot for one in shown_in(store)]
    space = view.manifest.space_of_attribute(attribute)
    kind = dict(zip(slots, kinds, strict=True))
    found = view.search(space, view.vectors(space, np.array(slots)), 6)
    near = [[one for one in match.slots.tolist() if one != slot][:5]
            for slot, match in zip(slots, found, strict=True)]  # fmt: skip
    return float(np.mean([[kind[one] == kind[slot] for one in hits]
                          for slot, hits in zip(slots, near, strict=True)]))  # fmt: skip


def test_vectors_of_the_space_are_those_that_were_judged(index: Path, kinds: list[int]) -> None:
    with closing(LocalStore(index)) as store:
        put(store, kinds, 500)
        corrected, result = correct(store, "kind", Options())
        assert corrected is not None
        space = space_of(corrected, JUDGED)
        before = install(index, "kind", space)
        assert before is None
    with closing(LocalStore(index)) as store:
        bound = store.manifest.space_of_attribute("kind")
        vectors = bound.transform(gather(store, "kind").pools)
        assert vectors.shape[1] == result.dimension
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        pairs = gather(store, "kind").pairs
        alike = (vectors[pairs.rows[:, 0]] * vectors[pairs.rows[:, 1]]).sum(axis=1)
        assert alike[pairs.same].mean() > alike[~pairs.same].mean() + 0.3


def test_what_judgements_taught_before_is_not_what_they_are_held_against(
    index: Path, kinds: list[int]
) -> None:
    with closing(LocalStore(index)) as store:
        put(store, kinds, 500)
    first = _document(index)
    second = _document(index)
    assert second["verdict"]["before"]["value"] < first["verdict"]["after"]["value"]
    assert second["installed"] is True
    assert second["space_before"] == first["space"]


def _document(index: Path) -> dict[str, Any]:
    from service.learning.running import Task, run_correction
    from service.settings import load_settings

    settings = load_settings(index=str(index))
    return run_correction(settings, Task("kind"), lambda done, total: None).to_document()


def test_too_few_judgements_and_such_as_pictures_do_not_show_install_nothing(
    index: Path, kinds: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(LocalStore(index)) as store:
        put(store, kinds, 99)
    fit("kind", "--feedback", "--index", index, code=1)
    err = capsys.readouterr().err
    assert "kind: not installed, since 99 pairs can be used: expected at least 100" in err
    with closing(LocalStore(index)) as store:
        put(store, np.random.default_rng(1).permutation(kinds).tolist(), 400, seed=1)
        assert store.feedback.count("kind") > 400
    fit("kind", "--feedback", "--index", index, "--force", "--dry-run")
    fit("kind", "--feedback", "--index", index, code=1)
    assert "kind: not installed, since held-out pairs" in capsys.readouterr().err
    with closing(LocalStore(index)) as store:
        assert "kind" not in store.manifest.attributes
    fit("kind", "--feedback", "--index", index, "--force")
    assert "notice: installed all the same: held-out pairs" in capsys.readouterr().err
    with closing(LocalStore(index)) as store:
        assert "kind" in store.manifest.attributes


def test_a_table_says_what_there_was_and_what_came_of_it(
    index: Path, kinds: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(LocalStore(index)) as store:
        put(store, kinds, 500)
        store.remove([shown_in(store)[0].key])
    fit("kind", "--feedback", "--index", index, "--dry-run")
    out = capsys.readouterr().out
    assert "more are of pictures that are gone; they make 4 groups of pictures" in out
    assert "held-out pairs told apart" in out
    assert "kind: nothing was installed" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--labels", "a.csv"], "--feedback learns from judgements: leave out --labels"),
        (["--column", "a", "--method", "nca"], "leave out --column, --method"),
        (["--block", "5"], "block 5 is not in this index"),
        ([], "nobody has judged 'kind' yet: attributes judged are none"),
    ],
)
def test_call_that_is_wrong_is_one_line(
    index: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    fit("kind", "--feedback", "--index", index, *arguments, code=2)
    err = capsys.readouterr().err
    assert words in err
    assert err.count("error: ") == 1
