"""Search over REST: each way to send a picture, and each way to ask for too much."""

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

KEY = "003.png"


def by_key(**more: Any) -> dict[str, Any]:
    return {"terms": [{"attribute": "color", "image": {"key": KEY}}], **more}


def test_picture_in_a_form_finds_itself_first(
    still_client: httpx.Client, still_pictures: Path
) -> None:
    files = {"image": (still_pictures / KEY).read_bytes()}
    answer = still_client.post(
        "/v1/search/image", files=files, data={"attribute": "color", "limit": 3}
    )
    assert answer.status_code == 200
    hits = answer.json()["hits"]
    assert [hits[0]["key"], len(hits)] == [KEY, 3]
    assert hits[0]["terms"][0]["similarity"] == pytest.approx(1.0, abs=1e-3)


def test_key_base64_and_part_of_one_picture_give_the_same_hits(
    still_client: httpx.Client, still_pictures: Path
) -> None:
    data = (still_pictures / KEY).read_bytes()
    encoded = base64.b64encode(data).decode()
    as_base64 = {"terms": [{"attribute": "color", "image": {"base64": encoded}}]}
    as_part = {"terms": [{"attribute": "color", "image": {"part": "a"}}]}
    answers = [
        still_client.post("/v1/search", json=by_key()),
        still_client.post("/v1/search", json=as_base64),
        still_client.post("/v1/search", data={"query": json.dumps(as_part)}, files={"a": data}),
    ]
    keys = [[hit["key"] for hit in answer.json()["hits"]] for answer in answers]
    assert keys[1] == keys[2]
    # Pools are stored in float16: of what is hardly alike the order may be another.
    assert keys[0][:5] == keys[1][:5]
    assert len(keys[0]) == len(keys[1]) == 20


def test_query_part_may_be_sent_as_a_json_file(
    still_client: httpx.Client, still_pictures: Path
) -> None:
    query = json.dumps({"terms": [{"attribute": "color", "image": {"part": "a"}}], "limit": 1})
    files = {
        "query": ("query.json", query, "application/json"),
        "a": ("a.png", (still_pictures / KEY).read_bytes(), "image/png"),
    }
    assert still_client.post("/v1/search", files=files).json()["hits"][0]["key"] == KEY


def test_answer_has_every_field_of_the_schema(still_client: httpx.Client) -> None:
    answer = still_client.post("/v1/search", json=by_key(limit=2)).json()
    assert set(answer) == {"hits", "next_cursor", "exact", "generation", "took_ms"}
    assert set(answer["hits"][0]) == {
        "key", "score", "terms", "metadata", "image_url", "thumbnail_url", "duplicates", "why",
    }  # fmt: skip
    assert answer["exact"] is True
    assert answer["generation"] == 1


def test_block_is_asked_instead_of_an_attribute(still_client: httpx.Client) -> None:
    query = {"terms": [{"block": 3, "image": {"key": KEY}}]}
    answer = still_client.post("/v1/search", json=query).json()
    assert answer["hits"][0]["key"] == KEY
    assert answer["hits"][0]["terms"][0]["block"] == 3


def test_scores_fall_and_lie_between_zero_and_one(still_client: httpx.Client) -> None:
    scores = [hit["score"] for hit in still_client.post("/v1/search", json=by_key()).json()["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] < scores[0] < 1


def test_min_score_cuts_and_an_empty_answer_is_a_normal_answer(still_client: httpx.Client) -> None:
    everything = still_client.post("/v1/search", json=by_key()).json()["hits"]
    cut = still_client.post("/v1/search", json=by_key(min_score=0.5)).json()["hits"]
    assert cut == [hit for hit in everything if hit["score"] >= 0.5]
    assert still_client.post("/v1/search", json=by_key(min_score=1)).json()["hits"] == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"terms": []}, "terms"),
        ({"terms": [{"image": {"key": KEY}}]}, "exactly one of attribute and block"),
        ({"terms": [{"attribute": "color"}]}, "exactly one of image and palette"),
        ({"terms": [{"attribute": "color", "image": {}}]}, "exactly one of key, base64"),
        ({"terms": [{"attribute": "shape", "image": {"key": KEY}}]}, "'shape': expected one of"),
        ({"terms": [{"block": 5, "image": {"key": KEY}}]}, "block 5 is not in this index"),
        ({"terms": [{"attribute": "color", "image": {"key": "gone"}}]}, "'gone'"),
        ({"terms": [{"attribute": "color", "image": {"part": "b"}}]}, "'b'"),
        ({"terms": [{"attribute": "color", "image": {"base64": "?"}}]}, "not base64"),
        ({"terms": [{"attribute": "color", "image": {"base64": "AAAA"}}]}, "not a picture"),
        (by_key(limit=0), "limit"),
        (by_key(limit=10**9), "1000"),
        (by_key(min_score=2), "min_score"),
        (by_key(color="red"), "color"),
    ],
)
def test_wrong_query_gets_a_problem_that_names_it(
    still_client: httpx.Client, query: dict[str, Any], words: str
) -> None:
    answer = still_client.post("/v1/search", json=query)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


def test_body_that_is_not_json_is_a_problem(still_client: httpx.Client) -> None:
    headers = {"content-type": "application/json"}
    answer = still_client.post("/v1/search", content=b"{nope", headers=headers)
    assert answer.status_code == 422
    assert "not JSON" in answer.json()["detail"]


def test_other_content_types_are_refused_by_name(still_client: httpx.Client) -> None:
    answer = still_client.post("/v1/search", content=b"a", headers={"content-type": "text/plain"})
    assert answer.status_code == 422
    assert "'text/plain'" in answer.json()["detail"]


def test_multipart_without_the_query_part_says_what_was_sent(still_client: httpx.Client) -> None:
    answer = still_client.post("/v1/search", files={"picture": b"x"})
    assert answer.status_code == 422
    assert "picture" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "exactly one of attribute and block"),
        ({"attribute": "color", "block": "2"}, "exactly one of attribute and block"),
        ({"attribute": "color", "limit": "0"}, "limit is 0: expected 1 to 1000"),
        ({"attribute": "color", "limit": "1000000000"}, "limit is 1000000000"),
        ({"attribute": "color", "limit": "many"}, "limit"),
        ({"attribute": "color", "filter": "{"}, "filter '{' is not JSON"),
        ({"attribute": "color", "filter": "[]"}, "filter: expected a filter: an object with one"),
        ({"attribute": "color", "filter": '{"a": 1}'}, "filter: a filter has one of column, and"),
        (
            {"attribute": "color", "filter": '{"column": "a", "eq": 1}'},
            "unknown metadata column 'a'",
        ),
        ({"attribute": "color", "collapse": "foo"}, "collapse: Input should be 'picture'"),
        ({"attribute": "shape"}, "unknown attribute 'shape': expected one of color, texture"),
    ],
)
def test_wrong_form_gets_a_problem_that_names_it(
    still_client: httpx.Client, still_pictures: Path, form: dict[str, str], words: str
) -> None:
    files = {"image": (still_pictures / KEY).read_bytes()}
    answer = still_client.post("/v1/search/image", files=files, data=form)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_form_without_a_picture_names_the_part(still_client: httpx.Client) -> None:
    answer = still_client.post("/v1/search/image", data={"attribute": "color"})
    assert answer.status_code == 422
    assert "image" in answer.json()["detail"]
