"""`/v1/feedback`: recorded, listed, taken back, by those who may."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer.local import LocalStore
from models.images import Limits
from service.opening import Opened
from service.search import Searcher
from service.settings import load_settings
from service.verify import verify
from tests.api.keyed import is_refusal, keyed_server
from tests.fakes import FakeExtractor
from tests.serving import serving

PAIR: dict[str, Any] = {
    "attribute": "color", "query": {"key": "003.png"}, "hit": "005.png", "same": True
}  # fmt: skip


def give(client: httpx.Client, *pairs: dict[str, Any]) -> httpx.Response:
    return client.post("/v1/feedback", json={"pairs": [{**PAIR, **pair} for pair in pairs]})


def listed(client: httpx.Client, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/v1/feedback", params=asked).json()["feedback"]
    return found


def test_judgements_are_recorded_listed_and_taken_back(
    client: httpx.Client, fake_index: Path
) -> None:
    given = give(client, {}, {"hit": "006.png", "same": False}, {"attribute": "texture"})
    assert given.json() == {"created": 3, "replaced": 0, "unchanged": 0}
    first = listed(client)[0]
    assert first.pop("time")
    assert first == {
        "id": 1,
        "attribute": "color",
        "query": {"key": "003.png", "sha256": None, "palette": None},
        "hit": "005.png",
        "same": True,
        "usable": True,
        "key_id": None,
    }
    page = client.get("/v1/feedback?limit=2").json()
    assert ([one["id"] for one in page["feedback"]], page["next"], page["count"]) == ([1, 2], 2, 3)
    last = client.get("/v1/feedback?limit=2&after=2").json()
    assert ([one["id"] for one in last["feedback"]], last["next"]) == ([3], None)
    assert [one["id"] for one in listed(client, attribute="color")] == [1, 2]
    assert client.delete("/v1/feedback/1").status_code == 204
    assert client.delete("/v1/feedback/1").json()["detail"] == "no judgement has the id 1"
    assert [one["id"] for one in listed(client)] == [2, 3]
    assert list(verify(fake_index)) == []
    assert 'hueweave_judgements{index="default"} 2.0' in client.get("/metrics").text


def test_a_picture_is_sent_beside_and_only_its_digest_is_shown(
    client: httpx.Client, pictures: Path
) -> None:
    body = (
        '{"pairs": [{"attribute": "color", "query": {"part": "a"}, "hit": "005.png", '
        '"same": false}]}'
    )
    files = {"a": (pictures / "003.png").read_bytes()}
    for result in ("created", "unchanged"):
        answer = client.post("/v1/feedback", data={"query": body}, files=files)
        assert answer.json()[result] == 1, answer.text
    (one,) = listed(client)
    assert len(one["query"]["sha256"]) == 64
    give(client, {"query": {"palette": [{"name": "navy", "weight": 3}, {"hex": "#ff0000"}]}})
    assert listed(client)[1]["query"]["palette"] == [
        {"color": "#ff0000", "share": 0.25}, {"color": "navy", "share": 0.75},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pair", "status", "kind", "words"),
    [
        ({"hit": "none"}, 404, "unknown-key", "pairs[1].hit: no item has the key 'none'"),
        ({"query": {"key": "none"}}, 404, "unknown-key", "pairs[1].query.key: no item"),
        ({"attribute": "shape"}, 422, "unknown-name", "unknown attribute 'shape'"),
        ({"hit": "003.png"}, 422, "feedback", "query and hit are both '003.png'"),
        ({"same": 1}, 422, "query", "pairs[1].same: "),
        ({"query": {"base64": "eA=="}}, 422, "picture", "pairs[1].query"),
    ],
)
def test_one_that_is_wrong_is_named_and_none_is_recorded(
    client: httpx.Client, pair: dict[str, Any], status: int, kind: str, words: str
) -> None:
    answer = give(client, {}, pair)
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:hueweave:{kind}"
    assert words in answer.json()["detail"]
    assert listed(client) == []


def test_an_index_keeps_no_more_than_the_setting_says(opened: Opened) -> None:
    with serving(opened, load_settings(max_feedback=1)) as client:
        answer = give(client, {}, {"hit": "006.png"})
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:hueweave:feedback-full")
        assert "limit of 1" in answer.json()["detail"]
        assert give(client, {}).json()["created"] == 1
        assert give(client, {"same": False}).json()["replaced"] == 1


def test_a_read_only_server_takes_no_judgement(fake_index: Path) -> None:
    store = LocalStore(fake_index, read_only=True)
    opened = Opened(store, Searcher(store, FakeExtractor(), Limits()), Limits())
    with serving(opened, load_settings(read_only=True)) as client:
        for answer in (give(client, {}), client.delete("/v1/feedback/1")):
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:hueweave:read-only")
        assert listed(client) == []


def test_who_may_search_cannot_judge_and_who_may_judge_cannot_look(
    opened: Opened, tmp_path: Path
) -> None:
    body = {"pairs": [PAIR]}
    with keyed_server(opened, tmp_path) as keyed:
        refused = keyed.ask("POST", "/v1/feedback", "read", json=body)
        is_refusal(refused, 403, "scope 'feedback', the key has 'read'", 'scope="feedback"')
        for scope in ("feedback", "write", "admin"):
            assert keyed.ask("POST", "/v1/feedback", scope, json=body).status_code == 200
        for method, path in (("GET", "/v1/feedback"), ("DELETE", "/v1/feedback/1")):
            refused = keyed.ask(method, path, "feedback")
            is_refusal(refused, 403, "scope 'write', the key has 'feedback'", 'scope="write"')
        put = keyed.ask("DELETE", "/v1/items/003.png", "feedback")
        is_refusal(put, 403, "scope 'write', the key has 'feedback'", 'scope="write"')
        (one,) = keyed.ask("GET", "/v1/feedback", "write").json()["feedback"]
        assert one["key_id"] == keyed.keys["feedback"].split("_")[1]
        assert keyed.ask("DELETE", "/v1/feedback/1", "write").status_code == 204


def test_each_index_has_its_own(client: httpx.Client) -> None:
    body = {"pairs": [PAIR]}
    assert client.post("/v1/indexes/default/feedback", json=body).json()["created"] == 1
    assert listed(client)[0]["id"] == 1
    assert client.delete("/v1/indexes/default/feedback/1").status_code == 204
