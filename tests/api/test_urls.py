"""Addresses of items: any key into a path and back."""

from urllib.parse import unquote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, compile_path

from api.urls import KeyConvertor, item_url, key_path

KEYS = [
    "a.jpg", "a/b/c.jpg", "a b", "50%", "%2F", "a?b=c&d#e", "фото/綿.jpg", "🧵", "/a", "a/", "a//b",
    "./a", "a/./b", "../a", "a/..", "a/../b", "//", "line\nbreak", "end\n", "\n", "a\r\nb", "\t",
    "a+b", "a;b", "back\\slash", "q\"u'o", "\x00", "a:b@c", "...", "..a/b..",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_key_comes_back_out_of_its_path(key: str) -> None:
    assert unquote(key_path(key)) == key


@pytest.mark.parametrize("key", KEYS)
def test_no_client_rewrites_the_address(key: str) -> None:
    address = httpx.URL("http://host").join(item_url("items", key))
    assert unquote(address.raw_path.decode()) == f"/v1/items/{key}"
    assert address.raw_path.isascii()


def test_slashes_stay_where_they_are_safe() -> None:
    assert item_url("images", "a/b c.jpg") == "/v1/images/a/b%20c.jpg"
    assert key_path("a/../b") == "a%2F..%2Fb"
    assert key_path("/a") == "%2Fa"


@pytest.mark.parametrize("key", KEYS)
def test_route_takes_the_whole_key(key: str) -> None:
    pattern, _, convertors = compile_path("/items/{key:key}")
    found = pattern.match(f"/items/{key}")
    assert found is not None
    assert convertors["key"].convert(found["key"]) == key


def test_route_without_a_key_is_none() -> None:
    pattern, *_ = compile_path("/items/{key:key}")
    assert pattern.match("/items/") is None


def test_address_made_by_a_route_is_encoded() -> None:
    async def item(request: Request) -> PlainTextResponse:
        return PlainTextResponse("")

    app = Starlette(routes=[Route("/items/{key:key}", item, name="item")])
    assert app.url_path_for("item", key="a b/c") == "/items/a%20b/c"
    assert KeyConvertor().to_string("\n") == "%0A"
