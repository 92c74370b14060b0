"""What Prometheus is told, of a real server."""

from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.opening import Opened
from service.settings import Settings
from tests.serving import serving

QUERY = {"terms": [{"attribute": "color", "image": {"key": "003.png"}}]}
DOCS = Path(__file__).parents[2] / "docs" / "api.md"
Labels = dict[str, str]


def sample(client: httpx.Client, name: str, **labels: str) -> float | None:
    """Return the value of a sample; None if there is none."""
    text = client.get("/metrics").text
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            if (one.name, one.labels) == (name, labels):
                return float(one.value)
    return None


def test_requests_are_counted_by_template_method_and_status(client: httpx.Client) -> None:
    for key in ("000.png", "001.png", "none"):
        client.get(f"/v1/items/{key}")
    client.head("/v1/items/000.png")
    asked = "hueweave_requests_total"
    route = "/v1/items/{key}"
    assert sample(client, asked, route=route, method="GET", status="200") == 2
    assert sample(client, asked, route=route, method="GET", status="404") == 1
    assert sample(client, asked, route=route, method="HEAD", status="200") == 1
    assert sample(client, "hueweave_request_seconds_count", route=route) == 4


def test_no_label_takes_what_clients_make_up(client: httpx.Client) -> None:
    client.request("BREW", "/v1/index")
    for n in range(3):
        client.get(f"/nothing/{n}")
    text = client.get("/metrics").text
    assert "BREW" not in text
    assert "nothing" not in text
    asked = "hueweave_requests_total"
    assert sample(client, asked, route="none", method="GET", status="404") == 3
    assert sample(client, asked, route="/v1/index", method="other", status="405") == 1


def test_index_and_threads_are_read_when_asked_for(client: httpx.Client) -> None:
    assert sample(client, "hueweave_items", index="default") == 20
    assert sample(client, "hueweave_generation", index="default") == 1
    assert sample(client, "hueweave_queue_length", pool="work") == 0
    assert sample(client, "hueweave_threads_busy", pool="read") == 0
    assert sample(client, "hueweave_requests_in_flight") == 1


@pytest.mark.parametrize(
    ("more", "stages"),
    [({}, ["queue", "decode", "embed", "search"]), ({"explain": True}, ["explain"])],
)
def test_stages_of_a_search_are_timed(
    client: httpx.Client, more: dict[str, bool], stages: list[str]
) -> None:
    assert client.post("/v1/search", json={**QUERY, **more}).status_code == 200
    for stage in stages:
        assert (sample(client, "hueweave_stage_seconds_count", stage=stage) or 0) >= 1


def test_pictures_of_one_network_call_are_counted(client: httpx.Client, pictures: Path) -> None:
    assert sample(client, "hueweave_batch_pictures_count", block="2") is None
    data = (pictures / "000.png").read_bytes()
    terms = [{"attribute": "color", "image": {"part": name}} for name in ("a", "b", "c")]
    files = {name: (pictures / f"00{n}.png").read_bytes() for n, name in enumerate("abc")}
    query = httpx.Response(200, json={"terms": terms}).text
    answer = client.post("/v1/search", data={"query": query}, files=files)
    assert answer.status_code == 200, data
    assert sample(client, "hueweave_batch_pictures_sum", block="2") == 3


def test_failures_are_counted_by_route(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(opened.searcher, "answer", broken)
    with serving(opened, settings) as client:
        assert client.post("/v1/search", json=QUERY).status_code == 500
        assert sample(client, "hueweave_failures_total", route="/v1/search") == 1


def test_index_that_cannot_tell_is_left_out(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> int:
        raise OSError

    monkeypatch.setattr(opened.store, "count", broken)
    with serving(opened, settings) as client:
        assert sample(client, "hueweave_items", index="default") is None
        assert sample(client, "hueweave_requests_in_flight") == 1


def test_two_apps_in_one_process_count_for_themselves(
    client: httpx.Client, still_client: httpx.Client
) -> None:
    client.get("/v1/attributes")
    labels = {"route": "/v1/attributes", "method": "GET", "status": "200"}
    before = sample(still_client, "hueweave_requests_total", **labels) or 0
    client.get("/v1/attributes")
    assert sample(client, "hueweave_requests_total", **labels) == 2
    assert (sample(still_client, "hueweave_requests_total", **labels) or 0) == before


def test_openmetrics_is_spoken_to_those_who_ask_for_it(client: httpx.Client) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    answer = client.get("/metrics", headers={"accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.count("# EOF") == 1
    assert answer.text.endswith("# EOF\n")
    assert "hueweave_items" in answer.text
    plain = client.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain")


def test_every_metric_is_documented(client: httpx.Client) -> None:
    client.post("/v1/search", json=QUERY)
    text, documented = client.get("/metrics").text, DOCS.read_text()
    names = {family.name for family in text_string_to_metric_families(text)}
    # Beside each counter and histogram there is when it was made.
    ours = {
        name for name in names if name.startswith("hueweave_") and not name.endswith("_created")
    }
    assert len(ours) >= 12
    # As they are asked for: a counter's name ends in _total.
    assert [name for name in sorted(ours) if f"`{name}" not in documented] == []
