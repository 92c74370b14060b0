"""Pictures by address: what is fetched, from where, and how much of it at most."""

import gzip
import itertools
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
import trustme

from models.errors import PictureTooLargeError
from models.images import Limits
from service.errors import SettingsError
from service.fetching import Fetcher, FetchError, fetch_nothing, make_fetch
from service.hosts import parse_hosts
from service.settings import load_settings
from tests.service.sites import Site, endless, moved, sent, site

PICTURE = b"the bytes of a picture" * 1000
LOOPBACK, PUBLIC = "127.0.0.1", "93.184.215.14"


@pytest.fixture
def web() -> Iterator[Site]:
    with site() as found:
        found.answers["/a.jpg"] = sent(PICTURE)
        yield found


def fetcher(web: Site, more: str = "") -> Fetcher:
    """Fetch from a.example, which is the site on loopback, as if that were the Internet."""
    return Fetcher(
        parse_hosts(f"a.example:{web.port},{more}"),
        timeout=30,
        limits=Limits(max_bytes=100_000),
        resolve=lambda host, port: [LOOPBACK],
        is_public=lambda address: True,
    )


def url(web: Site, path: str = "/a.jpg", host: str = "a.example") -> str:
    return f"http://{host}:{web.port}{path}"


def test_picture_of_a_listed_host_is_fetched_under_its_name(web: Site) -> None:
    assert fetcher(web)(url(web)) == PICTURE
    path, headers = web.asked[0]
    assert path == "/a.jpg"
    assert headers == {
        "host": f"a.example:{web.port}",
        "user-agent": "hueweave",
        "accept": "image/*",
        "accept-encoding": "identity",
        "connection": "close",
    }


def test_query_and_escapes_are_sent_as_given(web: Site) -> None:
    web.answers["/a%20b.jpg?s=%2F&t=1"] = sent(PICTURE)
    assert fetcher(web)(url(web, "/a%20b.jpg?s=%2F&t=1#part")) == PICTURE


def test_no_proxy_of_the_environment_is_used(web: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetcher(web)(url(web)) == PICTURE


def test_addresses_are_off_unless_hosts_are_listed() -> None:
    assert make_fetch(load_settings()) is fetch_nothing
    with pytest.raises(FetchError, match="list the hosts to ask in the setting url_hosts"):
        fetch_nothing("https://a.example/a.jpg")


def test_settings_say_which_hosts_for_how_long_and_how_much() -> None:
    found = make_fetch(load_settings(url_hosts="*.a.example", url_timeout=3, max_bytes=7))
    assert isinstance(found, Fetcher)
    assert (found.hosts, found.timeout) == (parse_hosts("*.a.example"), 3)
    assert found.limits.max_bytes == 7
    with pytest.raises(SettingsError, match="'url_hosts' has '\\*'"):
        make_fetch(load_settings(url_hosts="*"))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://a.example/a.jpg", "expected http:// or https://"),
        ("file:///etc/passwd", "expected http:// or https://"),
        ("gopher://a.example/", "expected http:// or https://"),
        ("a.example/a.jpg", "expected http:// or https://"),
        ("//a.example/a.jpg", "expected http:// or https://"),
        ("http://", "expected http:// or https://"),
        ("http:///a.jpg", "expected http:// or https://"),
        ("http://a.example:99999/", "host 'a.example:99999' is not in"),
        ("http://[::1/", "expected http:// or https://"),
        ("http://a.example/\r\nX: y", "expected http:// or https://"),
        ("http://a.example/" + "a" * 5000, "expected http:// or https://"),
        ("", "expected http:// or https://"),
        ("http://user@a.example/", "has a user or a password"),
        ("http://user:word@a.example/", "has a user or a password"),
        ("http://a.example@evil.example/", "has a user or a password"),
        ("http://a.example:80@evil.example/", "has a user or a password"),
        ("http://evil.example/", "host 'evil.example' is not in the setting url_hosts"),
        ("http://evil.example\\@a.example/", "is not in|has a user|expected http"),
        ("http://evil.example#@a.example/", "host 'evil.example' is not in"),
        ("http://a.example.evil.example/", "'a.example.evil.example' is not in"),
        ("http://a.example./", "host 'a.example.' is not in"),
        ("http://a.example:8081/", "host 'a.example:8081' is not in"),
        ("https://a.example:80/", "host 'a.example:80' is not in"),
        ("http://127.0.0.1/", "host '127.0.0.1' is not in"),
        ("http://2130706433/", "host '2130706433' is not in"),
        ("http://0x7f000001/", "host '0x7f000001' is not in"),
        ("http://0177.0.0.1/", "expected http:// or https:// and a host's name"),
        ("http://127.1/", "host '127.1' is not in"),
        ("http://[::1]/", "host '::1' is not in"),
        ("http://[::ffff:127.0.0.1]/", "is not in"),
        ("http://\u2488\u0441.example/", "is not in|expected http"),
        ("http://localhost/", "host 'localhost' is not in"),
    ],
)
def test_address_that_may_not_be_asked_is_refused_before_any_look_up(
    address: str, words: str
) -> None:
    def never(host: str, port: int) -> Sequence[str]:
        raise AssertionError(host)

    with pytest.raises(FetchError, match=words):
        Fetcher(parse_hosts("a.example"), resolve=never)(address)


@pytest.mark.parametrize(
    "found",
    [
        [],
        [LOOPBACK],
        ["169.254.169.254"],
        [PUBLIC, "10.0.0.1"],
        ["::1", PUBLIC],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["0.0.0.0"],
    ],
)
def test_name_with_any_address_that_is_not_public_is_not_asked(web: Site, found: list[str]) -> None:
    asking = Fetcher(parse_hosts(f"a.example:{web.port}"), resolve=lambda host, port: found)
    with pytest.raises(FetchError) as caught:
        asking(url(web))
    assert str(caught.value) == "host 'a.example' cannot be reached"
    assert web.asked == []


def test_why_a_host_is_not_reached_is_not_told(web: Site) -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    def odd(host: str, port: int) -> Sequence[str]:
        raise UnicodeError("label too long")

    web.answers["/nonsense"] = endless(b"SSH-2.0-OpenSSH\r\n", b"\r\n")
    words = set()
    for asking, path in (
        (replace(fetcher(web), resolve=unknown), "/a.jpg"),
        (replace(fetcher(web), resolve=odd), "/a.jpg"),
        (replace(fetcher(web), resolve=lambda host, port: ["127.0.0.1", "nonsense"]), "/nonsense"),
        (replace(fetcher(web), is_public=lambda address: False), "/a.jpg"),
    ):
        with pytest.raises(FetchError) as caught:
            asking(url(web, path))
        words.add(str(caught.value))
    with pytest.raises(FetchError) as caught:
        Fetcher(
            parse_hosts("a.example:1"),
            resolve=lambda host, port: [LOOPBACK],
            is_public=lambda address: True,
        )("http://a.example:1/")
    assert words | {str(caught.value)} == {"host 'a.example' cannot be reached"}


def test_name_is_looked_up_once_and_that_address_is_connected_to(web: Site) -> None:
    answers = iter([[LOOPBACK], ["10.0.0.1"]])
    asking = replace(fetcher(web), resolve=lambda host, port: next(answers))
    assert asking(url(web)) == PICTURE
    assert next(answers) == ["10.0.0.1"]


def test_next_address_is_tried_when_one_does_not_answer(web: Site) -> None:
    asking = replace(fetcher(web), resolve=lambda host, port: ["127.0.0.2", LOOPBACK])
    assert asking(url(web)) == PICTURE


def test_redirects_are_followed_from_host_to_listed_host(web: Site) -> None:
    web.answers["/1"] = moved("/2", 301)
    web.answers["/2"] = moved(f"//b.example:{web.port}/3", 307)
    web.answers["/3"] = moved("a.jpg", 308)
    asking = fetcher(web, f"b.example:{web.port}")
    assert asking(url(web, "/1")) == PICTURE
    hosts = [headers["host"].partition(":")[0] for _, headers in web.asked]
    assert hosts == ["a.example", "a.example", "b.example", "b.example"]


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("http://127.0.0.1/a.jpg", "host '127.0.0.1' is not in the setting url_hosts"),
        ("http://169.254.169.254/latest/meta-data/", "host '169.254.169.254' is not in"),
        ("http://b.example/a.jpg", "host 'b.example' is not in"),
        ("http://u:p@a.example/a.jpg", "has a user or a password"),
        ("file:///etc/passwd", "expected http:// or https://"),
        ("http://[", "led on to no address|expected http:// or https://"),
        ("/again", "host 'a.example' led on past 3 redirects"),
    ],
)
def test_redirect_is_checked_as_the_first_address_was(web: Site, to: str, words: str) -> None:
    web.answers["/again"] = moved(to)
    with pytest.raises(FetchError, match=words):
        fetcher(web)(url(web, "/again"))


def test_redirect_to_a_listed_name_of_an_address_that_is_not_public_is_refused(web: Site) -> None:
    web.answers["/to"] = moved(f"http://inside.example:{web.port}/a.jpg")
    asking = replace(
        fetcher(web, f"inside.example:{web.port}"),
        resolve=lambda host, port: ["10.0.0.1" if host == "inside.example" else LOOPBACK],
        is_public=lambda address: address == LOOPBACK,
    )
    with pytest.raises(FetchError, match=r"host 'inside\.example' cannot be reached"):
        asking(url(web, "/to"))
    assert [path for path, _ in web.asked] == ["/to"]


HEAD = b"HTTP/1.1 200 OK\r\n"


def test_too_many_bytes_are_refused_by_their_announcement(web: Site) -> None:
    web.answers["/big"] = sent(b"", Content_Length="100001")
    with pytest.raises(PictureTooLargeError, match="more bytes than the limit, 100,000"):
        fetcher(web)(url(web, "/big"))


@pytest.mark.parametrize(
    "start",
    [HEAD + b"\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"],
    ids=["no length", "chunked"],
)
def test_too_many_bytes_are_refused_as_they_come(web: Site, start: bytes) -> None:
    piece = b"x" * 4096
    drop = b"1000\r\n" + piece + b"\r\n" if b"chunked" in start else piece
    web.answers["/big"] = endless(start, drop)
    with pytest.raises(PictureTooLargeError, match="more bytes than the limit, 100,000"):
        fetcher(web)(url(web, "/big"))


def test_as_many_bytes_as_the_limit_are_fetched(web: Site) -> None:
    web.answers["/whole"] = sent(b"x" * 100_000)
    assert len(fetcher(web)(url(web, "/whole"))) == 100_000


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"H"),
        (HEAD, b"X-Drip: 1\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (HEAD + b"\r\n", b"x"),
    ],
    ids=["status line", "headers", "hints", "chunks", "bytes"],
)
def test_a_server_that_drips_is_left_at_the_deadline(web: Site, start: bytes, drop: bytes) -> None:
    web.answers["/drip"] = endless(start, drop)
    seconds = itertools.count()
    asking = replace(
        fetcher(web),
        timeout=25.0,
        clock=lambda: float(next(seconds)),
        limits=Limits(max_bytes=1 << 40),
    )
    with pytest.raises(FetchError, match=r"took over 25 s|cannot be reached"):
        asking(url(web, "/drip"))
    assert next(seconds) < 60


def test_redirects_share_one_deadline(web: Site) -> None:
    web.answers["/to"] = moved("/a.jpg")
    seconds = itertools.count(step=6)
    asking = replace(fetcher(web), timeout=30.0, clock=lambda: float(next(seconds)))
    with pytest.raises(FetchError, match=r"host 'a\.example' took over 30 s"):
        asking(url(web, "/to"))


def test_a_resolver_that_never_answers_is_left_at_the_deadline(web: Site) -> None:
    asked, ended = threading.Event(), threading.Event()

    def stuck(host: str, port: int) -> Sequence[str]:
        asked.set()
        ended.wait(60)
        return []

    asking = replace(fetcher(web), resolve=stuck, timeout=0.01)
    with pytest.raises(FetchError, match=r"took over 0\.01 s"):
        asking(url(web))
    assert asked.wait(60)
    ended.set()


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, gzip"])
def test_compressed_answers_are_refused(web: Site, encoding: str) -> None:
    web.answers["/zip"] = sent(gzip.compress(bytes(10_000_000)), Content_Encoding=encoding)
    with pytest.raises(FetchError, match=r"host 'a\.example' sent it compressed"):
        fetcher(web)(url(web, "/zip"))


@pytest.mark.parametrize("status", [204, 206, 304, 401, 404, 500])
def test_other_statuses_are_named(web: Site, status: int) -> None:
    web.answers["/odd"] = sent(b"" if status in (204, 304) else b"secret", status)
    with pytest.raises(FetchError) as caught:
        fetcher(web)(url(web, "/odd"))
    assert str(caught.value) == f"host 'a.example' answered {status}"


def test_an_answer_that_breaks_off_is_no_picture(web: Site) -> None:
    web.answers["/half"] = sent(b"half", Content_Length="100")
    with pytest.raises(FetchError, match=r"host 'a\.example' cannot be reached"):
        fetcher(web)(url(web, "/half"))


@pytest.mark.parametrize(("name", "fine"), [("a.example", True), ("b.example", False)])
def test_certificate_has_to_be_of_the_name_that_was_asked(name: str, fine: bool) -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, LOOPBACK).configure_cert(serving)
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    with site(serving) as web:
        web.answers["/a.jpg"] = sent(PICTURE)
        address = f"https://a.example:{web.port}/a.jpg"
        asking = replace(fetcher(web), trusted=trusted)
        if fine:
            assert asking(address) == PICTURE
        else:
            with pytest.raises(FetchError, match=r"host 'a\.example' cannot be reached"):
                asking(address)
        with pytest.raises(FetchError, match="cannot be reached"):
            fetcher(web)(address)
