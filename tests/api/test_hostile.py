"""Queries made to break the server: refused quickly, by name, as a 4xx problem."""

import json
from pathlib import Path

import httpx
import pytest

TERM = json.dumps({"attribute": "color", "image": {"key": "003.png"}})
JSON = {"content-type": "application/json"}
DEEP = 100_000


def refused(answer: httpx.Response, *words: str, status: int = 422) -> None:
    """Check that an answer is a small problem document with ``words`` in its detail."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(word in answer.json()["detail"] for word in words), answer.text
    assert len(answer.content) < 10_000


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("[" * DEEP, "not JSON"),
        ('{"terms":' * DEEP, "not JSON"),
        (f'{{"terms": [{TERM}], "filter": {{"a":' + "[" * DEEP, "not JSON"),
        (f'{{"terms": [{TERM}], "limit": ' + "9" * 5_000 + "}", "not JSON"),
        (f'{{"terms": [{TERM}], "limit": ' + "9" * 4_000 + "}", "limit"),
        (f'{{"terms": [{TERM}], "min_score": NaN}}', "min_score"),
        (f'{{"terms": [{TERM}], "min_score": Infinity}}', "min_score"),
        (r'{"terms": [{"attribute": "\ud800", "image": {"key": "a"}}]}', "not JSON"),
        (r'{"terms": [{"attribute": "color", "image": {"key": "\u0000"}}]}', r"'\x00'"),
        (b'{"terms": [{"attribute": "\xff\xfe"}]}', "not JSON"),
        ("null", "should be an object"),
        ("[]", "should be an object"),
        ("", "not JSON"),
    ],
)
def test_json_made_to_break_is_a_problem(
    still_client: httpx.Client, body: str | bytes, words: str
) -> None:
    refused(still_client.post("/v1/search", content=body, headers=JSON), words)


def test_a_hundred_thousand_terms_are_refused_by_their_number(still_client: httpx.Client) -> None:
    terms = ",".join(["{}"] * 100_000)
    body = f'{{"terms": [{terms}]}}'
    answer = still_client.post("/v1/search", content=body, headers=JSON, timeout=5)
    refused(answer, "terms", "at most 64 items")


def test_unknown_fields_past_counting_are_told_a_few_at_a_time(still_client: httpx.Client) -> None:
    fields = ",".join(f'"f{n}": 0' for n in range(20_000))
    answer = still_client.post(
        "/v1/search", content=f'{{"terms": [{TERM}], {fields}}}', headers=JSON
    )
    refused(answer, "f0: ", "f4: ")
    assert "f5: " not in answer.json()["detail"]


def test_an_unknown_field_of_a_long_name_is_told_in_short(still_client: httpx.Client) -> None:
    body = json.dumps({"terms": [json.loads(TERM)], "x" * 100_000: 0})
    answer = still_client.post("/v1/search", content=body, headers=JSON)
    refused(answer, f"{'x' * 100}…: Extra inputs are not permitted")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"k": "5"}, "unknown field 'k': expected some of image, attribute, block, limit"),
        ({"Limit": "5"}, "unknown field 'Limit'"),
        ({"cursor": "x"}, "unknown field 'cursor'"),
        ({"collapse": "sku"}, "collapse: Input should be 'picture' (got 'sku')"),
        ({"explain": "true"}, "unknown field 'explain'"),
        ({"terms": "[]"}, "unknown field 'terms'"),
        ({"filter": "[" * DEEP}, "filter '[[["),
        ({"filter": '{"a":' * DEEP}, "filter '{"),
        ({"filter": '{"not":' * 100 + "{}" + "}" * 100}, "filter is nested 100 deep: expected at"),
        ({"filter": "3"}, "filter: expected a filter"),
        ({"limit": "9" * 5_000}, "limit"),
        ({"min_score": "nan"}, "min_score"),
        ({"block": "1.5"}, "block"),
    ],
)
def test_form_made_to_break_is_a_problem(
    still_client: httpx.Client, still_pictures: Path, form: dict[str, str], words: str
) -> None:
    files = {"image": (still_pictures / "003.png").read_bytes()}
    target = {} if "block" in form else {"attribute": "color"}
    refused(still_client.post("/v1/search/image", files=files, data={**target, **form}), words)


def test_picture_under_an_unknown_name_is_refused_by_it(
    still_client: httpx.Client, still_pictures: Path
) -> None:
    data = (still_pictures / "003.png").read_bytes()
    files = {"image": data, "mask": data}
    answer = still_client.post("/v1/search/image", files=files, data={"attribute": "color"})
    refused(answer, "unknown field 'mask'")


@pytest.mark.parametrize("path", ["/v1/search", "/v1/search/image"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=a", b"--a\r\nContent-Disposition: form-data\r\n\r\nx\r\n"),
    ],
)
def test_multipart_that_is_none_is_a_problem(
    still_client: httpx.Client, path: str, kind: str, body: bytes
) -> None:
    answer = still_client.post(path, content=body, headers={"content-type": kind})
    assert 400 <= answer.status_code < 500
    refused(answer, status=answer.status_code)


@pytest.mark.parametrize("path", ["/v1/items/%ff", "/v1/images/%00", "/v1/thumbnails/%0a"])
def test_path_that_is_no_text_is_an_unknown_key(still_client: httpx.Client, path: str) -> None:
    refused(still_client.get(path), "no item has the key", status=404)


def test_refusal_of_a_large_body_always_reaches_the_client(still_client: httpx.Client) -> None:
    body = bytes(8_000_000)
    for _ in range(20):
        answer = still_client.post("/v1/search", content=body, headers=JSON)
        assert answer.status_code == 413
        assert "the limit is" in answer.json()["detail"]
    assert still_client.get("/healthz").status_code == 200
