"""The documentation's examples, run; its links, followed."""

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
QUERIES = [
    text for text in re.findall(r"```json\n(.*?)```", API, re.DOTALL) if '"terms": [{"' in text
]

FILTERS = re.findall(
    r"```json\n(.*?)```", (ROOT / "docs" / "filters.md").read_text(encoding="utf-8"), re.DOTALL
)

ALL_PASS = [{}, {"column": "color", "exists": True}]

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_queries_of_the_api_page_are_answered(server: httpx.Client) -> None:
    queries = [json.loads(text) for text in QUERIES]
    asked = [query for query in queries if "hits" not in query]
    assert asked
    for query in asked:
        answer = server.post("/v1/search", json=query)
        assert answer.status_code == 200
        assert answer.json()["hits"]


def test_answer_of_the_api_page_has_the_fields_of_a_real_one(server: httpx.Client) -> None:
    shown = next(json.loads(text) for text in QUERIES if '"hits"' in text)
    query = {"terms": [{"attribute": "texture", "image": {"key": "images/red-dots-0.jpg"}}]}
    real = server.post("/v1/search", json=query).json()
    assert set(shown) == set(real)
    assert set(shown["hits"][0]) == set(real["hits"][0])
    assert set(shown["hits"][0]["terms"][0]) == set(real["hits"][0]["terms"][0])


def test_curl_commands_of_the_api_page_are_answered(server: httpx.Client, fabrics: Path) -> None:
    found = re.findall(r"```sh\n(curl.*?)```", API, re.DOTALL)
    commands = [command for command in found if "-X " not in command]  # the others change things
    assert len(commands) == 3
    for command in commands:
        words = shlex.split(command.replace("\\\n", " "))
        form = dict(word.split("=", 1) for flag, word in pairwise(words) if flag == "-F")
        sent = {
            name: (fabrics.parent / "images" / Path(value).name).read_bytes()
            for name, value in form.items()
            if value.startswith("@")
        }
        fields = {name: value for name, value in form.items() if not value.startswith("@")}
        answer = server.post(httpx.URL(words[-1]).path, data=fields, files=sent)
        assert answer.status_code == 200, answer.text


def test_every_route_stands_on_the_api_page(server: httpx.Client) -> None:
    paths = server.get("/openapi.json").json()["paths"]
    # Those of an index by name are those of the default one.
    plain = {path.replace("/indexes/{name}/", "/"): one for path, one in paths.items()}
    routes = [f"{method.upper()} {path}" for path, one in plain.items() for method in one]
    assert [route for route in routes if f"`{route}`" not in API] == []


@pytest.mark.parametrize("text", FILTERS)
def test_filters_of_the_filters_page_find_something(server: httpx.Client, text: str) -> None:
    answer = server.get("/v1/facets", params={"filter": text})
    assert answer.status_code == 200, answer.text
    assert 0 < answer.json()["count"] <= 100
    assert (answer.json()["count"] == 100) == (json.loads(text) in ALL_PASS)


def test_facets_of_the_api_page_have_the_fields_of_real_ones(server: httpx.Client) -> None:
    shown = next(
        json.loads(text)
        for text in re.findall(r"```json\n(.*?)```", API, re.DOTALL)
        if '"missing"' in text
    )
    real = server.get("/v1/facets", params={"column": "color"}).json()
    for one, other in ((shown, real), *zip(shown["columns"], real["columns"], strict=True)):
        assert set(one) == set(other)
    assert set(shown["colors"][0]) == set(real["colors"][0])


def test_feedback_of_the_api_page_is_recorded_and_listed_as_shown(server: httpx.Client) -> None:
    section = API[API.index("## Feedback") : API.index("## Access")]
    body = re.search(r"-d '(.*?)'", section, re.DOTALL)
    assert body is not None
    answered, listed = map(json.loads, re.findall(r"```json\n(.*?)```", section, re.DOTALL))
    assert server.post("/v1/feedback", json=json.loads(body[1])).json() == answered
    real = server.get("/v1/feedback").json()
    assert set(listed) == set(real)
    for one in real["feedback"]:
        assert set(one) == set(listed["feedback"][0])
        assert set(one["query"]) == set(listed["feedback"][0]["query"])
        assert server.delete(f"/v1/feedback/{one['id']}").status_code == 204
