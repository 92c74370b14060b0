"""Generated requests made ready to be sent: some as the schema has them, most mended."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
from schemathesis import Case

from benchmarks.api_fuzz import material
from benchmarks.api_fuzz.material import Dice
from benchmarks.api_fuzz.mending import ATTRIBUTES, BLOCKS, Parts, mended_feedback, mended_query

_AS_GENERATED = 0.25
_BOUNDARY = "between-two-parts"
_HEADERS = (
    {"If-None-Match": "*"},
    {"If-None-Match": 'W/"x", "y"'},
    {"If-Match": "*"},
    {"If-Match": '"stale"'},
    {"If-Match": "x"},
    {"Accept": "application/openmetrics-text; version=1.0.0"},
    {"Accept": "text/html"},
    {"Range": "bytes=0-3"},
    {"X-Request-ID": "from-a-proxy.1"},
    {"X-Request-ID": "not an id"},
    {"Origin": "https://elsewhere.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Accept-Encoding": "gzip"},
    {"Host": "elsewhere.example"},
    {"Host": "a host"},
)
"""Headers that the document says nothing of; some requests carry one of them."""

Files = dict[str, tuple[str | None, bytes, str]]
Mender = Callable[[Case, Dice, material.Pool], None]


def mend(case: Case, random: Dice, pool: material.Pool) -> None:
    """Change most generated cases in place, so that what they name is there."""
    if random.seldom(0.2):
        case.headers.update(random.choice(_HEADERS))
    if random.seldom(_AS_GENERATED):
        return
    named = case.path_parameters
    for name, values in (("name", ("default", "other", "shop")), ("alias", ("shop", "sale"))):
        if name in named:
            named[name] = random.choice(values)
    if "key" in named:
        named["key"] = quote(material.key(random), safe="")
    mender = _MENDERS.get((case.method.upper(), in_default(case.path)))
    if mender is not None:
        mender(case, random, pool)


def in_default(path: str) -> str:
    """Return a path of the document below its index: ``/v1/indexes/{name}/search`` is
    ``/search``."""
    return path.replace("/indexes/{name}", "").removeprefix("/v1")


def _search(case: Case, random: Dice, pool: material.Pool) -> None:
    parts: Parts = {}
    given = case.body.get("query", case.body) if isinstance(case.body, dict) else {}
    _send_query(case, random, parts, mended_query(given, random, parts, pool.cursors))


def _explain(case: Case, random: Dice, pool: material.Pool) -> None:
    parts: Parts = {}
    given = case.body.get("query") if isinstance(case.body, dict) else {}
    query = mended_query(given, random, parts, [])
    _send_query(case, random, parts, {"query": query, "key": material.key(random)})


def _feedback(case: Case, random: Dice, pool: material.Pool) -> None:
    parts: Parts = {}
    given = case.body.get("query", case.body) if isinstance(case.body, dict) else {}
    _send_query(case, random, parts, mended_feedback(given, random, parts))


def _search_image(case: Case, random: Dice, pool: material.Pool) -> None:
    fields: dict[str, Any] = {"attribute": random.choice(ATTRIBUTES)}
    if random.random() < 0.3:
        fields = {"block": random.choice(BLOCKS)}
    if random.random() < 0.5:
        fields["limit"] = random.randint(1, 50)
    if random.random() < 0.4:
        fields["filter"] = json.dumps(material.condition(random))
    if random.random() < 0.3:
        fields["collapse"] = "picture"
    _send_picture(case, random, {name: str(value) for name, value in fields.items()})


def _palette(case: Case, random: Dice, pool: material.Pool) -> None:
    fields = {"colors": str(random.randint(1, 8))} if random.random() < 0.6 else {}
    _send_picture(case, random, fields)


def _put(case: Case, random: Dice, pool: material.Pool) -> None:
    fields = {"metadata": json.dumps(material.metadata(random))} if random.random() < 0.8 else {}
    _send_picture(case, random, fields)


def _patch(case: Case, random: Dice, pool: material.Pool) -> None:
    case.body = material.metadata(random, patch=True)


def _bulk(case: Case, random: Dice, pool: material.Pool) -> None:
    case.body = material.lines(random)


def _index(case: Case, random: Dice, pool: material.Pool) -> None:
    case.path_parameters["name"] = random.choice(("made", "made-too"))
    values = {"preset": "default", "blocks": "2-4", "metric": "cosine", "index_type": "HNSW32"}
    case.body = dict(random.sample(sorted(values.items()), random.randint(0, len(values))))


def _alias(case: Case, random: Dice, pool: material.Pool) -> None:
    case.body = {"index": random.choice(("default", "other"))}


def _facets(case: Case, random: Dice, pool: material.Pool) -> None:
    if "filter" in case.query:
        case.query["filter"] = json.dumps(material.condition(random))
    if "column" in case.query:
        case.query["column"] = random.sample(sorted(material.COLUMNS), random.randint(1, 2))


def _signed(case: Case, random: Dice, pool: material.Pool) -> None:
    found = pool.signed.get(in_default(case.path))
    if found and "name" not in case.path_parameters and random.random() < 0.7:
        key, query = random.choice(found)
        case.path_parameters["key"] = quote(key, safe="")
        case.query.update(query)


_MENDERS: dict[tuple[str, str], Mender] = {
    ("POST", "/search"): _search,
    ("POST", "/explain"): _explain,
    ("POST", "/feedback"): _feedback,
    ("POST", "/search/image"): _search_image,
    ("POST", "/palette"): _palette,
    ("PUT", "/items/{key}"): _put,
    ("PATCH", "/items/{key}"): _patch,
    ("POST", "/bulk"): _bulk,
    ("PUT", ""): _index,
    ("PUT", "/aliases/{alias}"): _alias,
    ("GET", "/facets"): _facets,
    ("GET", "/images/{key}"): _signed,
    ("GET", "/thumbnails/{key}"): _signed,
}


def _send_query(case: Case, random: Dice, parts: Parts, query: dict[str, Any]) -> None:
    """Send a query as JSON, or as a form if it has parts."""
    if not parts and random.random() < 0.8:
        case.media_type, case.body = "application/json", query
        return
    files: Files = {"query": (None, json.dumps(query).encode(), "application/json")}
    files |= {name: (f"{name}.png", data, "image/png") for name, data in parts.items()}
    _send_form(case, {}, files)


def _send_picture(case: Case, random: Dice, fields: dict[str, str]) -> None:
    data = material.picture(random)
    _send_form(case, fields, {"image": ("a.png", data, "application/octet-stream")})


def _send_form(case: Case, fields: dict[str, str], files: Files) -> None:
    # Not left to the serializer: it would send parts of other names as text.
    content_type = f"multipart/form-data; boundary={_BOUNDARY}"
    form = httpx.Request(
        "POST", "http://form", data=fields, files=files, headers={"Content-Type": content_type}
    )
    case.media_type, case.body = "multipart/form-data", form.read()
    case.headers["Content-Type"] = content_type
