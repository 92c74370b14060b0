"""A server while its index changes or breaks under it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.urls import item_url
from indexer.build import BuildOptions
from indexer.watching import Watcher
from tests.fakes import build_fake, random_colors, write_pictures

QUERY = {"terms": [{"attribute": "color", "image": {"key": "003.png"}}], "limit": 20}


def ask(client: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/search", json={**QUERY, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def keys(answer: dict[str, Any]) -> list[str]:
    return [hit["key"] for hit in answer["hits"]]


class Asking(Watcher):
    """Asks after every batch of a build."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self.times = 0

    def advanced(self, done: int, failed: int) -> None:
        self._ask()
        self.times += 1

    def indexing(self) -> None:
        self._ask()


def test_query_right_after_a_build_is_whole_and_of_the_new_generation(
    client: httpx.Client, fake_index: Path, pictures: Path
) -> None:
    before = ask(client)
    write_pictures(pictures, random_colors(20, seed=1))
    write_pictures(pictures, {"new.png": (10, 200, 90)})
    build_fake(fake_index, pictures)
    after = ask(client)
    assert len(set(keys(after))) == 20
    assert after["generation"] > before["generation"]
    assert all(client.get(item_url("items", key)).status_code == 200 for key in keys(after))
    assert all(client.get(item_url("images", key)).status_code == 200 for key in keys(after))
    assert keys(after)[0] == "003.png"


def test_picture_that_is_new_is_found_by_itself_and_by_its_key(
    client: httpx.Client, fake_index: Path, pictures: Path
) -> None:
    ask(client)
    write_pictures(pictures, {**random_colors(20, seed=1), "new.png": (10, 200, 90)})
    build_fake(fake_index, pictures)
    files = {"image": (pictures / "new.png").read_bytes()}
    answer = client.post("/v1/search/image", files=files, data={"attribute": "color"})
    assert answer.json()["hits"][0]["key"] == "new.png"
    by_key = {"terms": [{"attribute": "color", "image": {"key": "new.png"}}], "limit": 21}
    assert len(set(keys(ask(client, **by_key)))) == 21


def test_items_removed_are_gone_from_the_very_next_answer(
    client: httpx.Client, fake_index: Path, pictures: Path
) -> None:
    ask(client)
    for n in range(10, 20):
        (pictures / f"{n:03}.png").unlink()
    build_fake(fake_index, pictures, options=BuildOptions(prune=True))
    assert sorted(keys(ask(client))) == [f"{n:03}.png" for n in range(10)]


def test_every_answer_during_a_build_is_whole(
    client: httpx.Client, fake_index: Path, pictures: Path
) -> None:
    def whole() -> None:
        found = keys(ask(client))
        assert len(set(found)) == 20
        assert all(client.get(item_url("items", key)).status_code == 200 for key in found)

    watcher = Asking(whole)
    write_pictures(pictures, random_colors(20, seed=1))
    build_fake(fake_index, pictures, watcher=watcher)
    assert watcher.times == 5


@pytest.mark.parametrize("target", [{"attribute": "color"}, {"attribute": "texture"}, {"block": 2}])
def test_no_similarity_is_above_one_and_each_picture_is_most_like_itself(
    client: httpx.Client, pictures: Path, target: dict[str, Any]
) -> None:
    for n in range(20):
        name = f"{n:03}.png"
        by_key = {"terms": [{**target, "image": {"key": name}}]}
        files = {"image": (pictures / name).read_bytes()}
        form = {field: str(value) for field, value in target.items()}
        sent = client.post("/v1/search/image", files=files, data=form).json()
        for answer in (ask(client, **by_key), sent):
            found = [hit["terms"][0]["similarity"] for hit in answer["hits"]]
            assert -1 <= min(found) <= max(found) == found[0] <= 1
            assert keys(answer)[0] == name


def test_damaged_pool_is_a_problem_that_names_no_path(
    client: httpx.Client, fake_index: Path
) -> None:
    query = {"terms": [{"block": 2, "image": {"key": "003.png"}}]}
    assert len(keys(ask(client, **query))) == 20
    (fake_index / "pools" / "2-gap.f16").write_bytes(b"")
    answer = client.post("/v1/search", json=query)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    for part in (str(fake_index), "2-gap", "pools", "rows"):
        assert part not in answer.text
    assert len(keys(ask(client))) == 20, "the other spaces go on"
