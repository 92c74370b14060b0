"""The palette of a picture that is sent, and of items."""

import io

import httpx
import pytest
from PIL import Image

PROBLEM = "application/problem+json"


def png(*colors: str) -> bytes:
    image = Image.new("RGB", (60 * len(colors), 60))
    for at, color in enumerate(colors):
        image.paste(color, (60 * at, 0, 60 * at + 60, 60))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def ask(client: httpx.Client, data: bytes, **fields: object) -> httpx.Response:
    return client.post("/v1/palette", files={"image": data}, data=fields)


def test_colors_come_with_rank_share_hex_and_name(still_client: httpx.Client) -> None:
    answer = ask(still_client, png("#7a1f2b"))
    assert answer.status_code == 200
    assert answer.json() == {
        "colors": [{"rank": 1, "weight": 1.0, "hex": "#7a1f2b", "name": "red"}]
    }


def test_no_more_colors_come_than_asked_for(still_client: httpx.Client) -> None:
    data = png("#7a1f2b", "#204080", "#d0a020", "#208040", "#101010", "#909090", "#d080c0")
    for asked, expected in (({}, 5), ({"colors": 2}, 2), ({"colors": 1}, 1)):
        colors = ask(still_client, data, **asked).json()["colors"]
        assert [one["rank"] for one in colors] == list(range(1, expected + 1))
        assert sum(one["weight"] for one in colors) == pytest.approx(1)


def test_a_picture_of_the_index_has_the_palette_of_its_item(still_client: httpx.Client) -> None:
    picture = still_client.get("/v1/images/003.png").content
    item = still_client.get("/v1/items/003.png").json()
    assert item["palette"]
    assert ask(still_client, picture).json()["colors"] == item["palette"]
    listed = still_client.get("/v1/items", params={"limit": 4}).json()["items"]
    assert listed[3]["palette"] == item["palette"]


def test_transparent_places_do_not_count(still_client: httpx.Client) -> None:
    image = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    image.paste((32, 64, 128, 255), (20, 20, 40, 40))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    (color,) = ask(still_client, buffer.getvalue()).json()["colors"]
    assert (color["hex"], color["name"]) == ("#204080", "blue")


@pytest.mark.parametrize("colors", ["0", "9", "-1", "many", "2.5", ""])
def test_a_number_of_colors_out_of_range_is_named(still_client: httpx.Client, colors: str) -> None:
    answer = ask(still_client, png("red"), colors=colors)
    if colors == "":  # an empty field of a form is one that was left out
        assert answer.status_code == 200
        return
    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM
    assert "colors" in answer.json()["detail"]
    assert colors in answer.json()["detail"]


@pytest.mark.parametrize("data", [b"", b"no picture", png("red")[:60]])
def test_bytes_that_are_no_picture_are_a_problem_of_the_picture(
    still_client: httpx.Client, data: bytes
) -> None:
    answer = ask(still_client, data)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["type"] == "urn:hueweave:picture"


def test_a_picture_past_the_limit_is_too_large(still_client: httpx.Client) -> None:
    answer = ask(still_client, bytes(250_000))
    assert answer.status_code == 413
    assert "250,000 bytes, the limit is 200,000" in answer.json()["detail"]


def test_a_request_without_a_picture_says_what_is_missing(still_client: httpx.Client) -> None:
    for sent in ({"data": {"colors": "3"}}, {"json": {"image": "x"}}, {"data": {"image": "text"}}):
        answer = still_client.post("/v1/palette", **sent)
        assert answer.status_code == 422
        assert "image" in answer.json()["detail"]


def test_unknown_and_repeated_fields_are_named(still_client: httpx.Client) -> None:
    answer = ask(still_client, png("red"), color="3")
    assert answer.status_code == 422
    assert answer.json()["detail"] == "unknown field 'color': expected some of image, colors"
    answer = ask(still_client, png("red"), colors=["3", "4"])
    assert answer.json()["detail"] == "field 'colors' was sent more than once"
    parts = [("image", png("red")), ("image", png("blue"))]
    answer = still_client.post("/v1/palette", files=parts)
    assert answer.json()["detail"] == "field 'image' was sent more than once"
