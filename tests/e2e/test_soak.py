"""Many clients at once on a real server, each answer held against what they know."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from benchmarks.soak.calls import Caller, Progress, WrongAnswerError
from benchmarks.soak.catalog import Part
from benchmarks.soak.run import Outcome, Plan, soak
from benchmarks.soak.steps import Steps
from indexer.creation import create_index
from indexer.local import LocalStore
from models.images import Limits
from service.opening import Opened
from service.search import Searcher
from service.settings import load_settings
from tests.fakes import FakeExtractor, manifest
from tests.serving import serving

pytestmark = pytest.mark.e2e

PLAN = Plan(
    600,
    clients=8,
    seed=5,
    broken=0.1,
    followed=0.1,
    flags=("--max-queue", "2", "--max-concurrent", "2", "--log-level", "error"),
    pause=lambda seconds: None,
)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    index = tmp_path_factory.mktemp("soak") / "index"
    create_index(index, manifest())
    return soak(index, PLAN)


def test_no_answer_is_wrong_and_none_is_a_failure(outcome: Outcome) -> None:
    assert outcome.wrong == []
    assert outcome.failures == 0
    # What this is about did happen.
    assert outcome.tally.total() >= PLAN.requests
    done = {method for _, method, status in outcome.tally if status < 300}
    assert done == {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert outcome.broken.total() > 5
    assert len(outcome.waits) > 3


def test_metrics_add_up(outcome: Outcome) -> None:
    assert outcome.miscounted == {}
    assert outcome.items > 0


@pytest.fixture
def steps(tmp_path: Path) -> Iterator[Steps]:
    """A client of a server that holds the items it put there."""
    create_index(tmp_path / "index", manifest())
    store = LocalStore(tmp_path / "index")
    opened = Opened(store, Searcher(store, FakeExtractor(), Limits()), Limits())
    with serving(opened, load_settings()) as client:
        made = Steps(Part("me", Random(0)), Caller(client, Progress(), lambda seconds: None))
        made.bulk(growing=True)
        yield made
    opened.close()


Question = Callable[[Steps], None]


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        (Steps.search_by_key, "stale"),
        (Steps.search_by_picture, "stale"),
        (Steps.search_all, "stale"),
        (Steps.facets, "facets"),
        (Steps.get, "expected"),
        (Steps.image, "another"),
    ],
)
def test_client_finds_an_item_that_is_not_as_it_was_acknowledged(
    steps: Steps, ask: Question, found: str
) -> None:
    ask(steps)
    for key, known in steps.part.items.items():
        changed = {**known.metadata, "kind": "none", "price": known.metadata["price"]}
        steps.part.items[key] = replace(known, data=b"", metadata=changed)
    with pytest.raises(WrongAnswerError, match=found):
        ask(steps)


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        (Steps.search_by_key, "too many"),
        (Steps.search_all, "removed"),
        (Steps.page, "pages have"),
        (Steps.facets, "facets"),
        (Steps.list_items, "listed"),
    ],
)
def test_client_finds_an_item_that_was_removed(steps: Steps, ask: Question, found: str) -> None:
    ask(steps)
    steps.part.items.pop(steps.part.some_key())
    with pytest.raises(WrongAnswerError, match=found):
        ask(steps)


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        (Steps.search_by_key, "lost"),
        (Steps.page, "pages have"),
        (Steps.facets, "facets"),
        (Steps.list_items, "listed"),
    ],
)
def test_client_finds_that_an_item_is_lost(steps: Steps, ask: Question, found: str) -> None:
    key = steps.part.some_key()
    steps.caller.ask_of("DELETE", "items", key, 204)
    lost = steps.part.items.pop(key)
    ask(steps)
    steps.part.items[key] = lost
    # Asked for another of its items: this one would be a 404.
    steps.part.some_key = lambda: next(iter(steps.part.items))  # type: ignore[method-assign]
    with pytest.raises(WrongAnswerError, match=found):
        ask(steps)
