"""Queries as a schema generates them, mended so that they find something.

A schema cannot say that exactly one of several is wanted, nor which names and keys there are. What
is mended keeps the shape that was generated.
"""

from typing import Any

from benchmarks.api_fuzz import material
from benchmarks.api_fuzz.material import Dice

ATTRIBUTES, BLOCKS = ("color", "texture"), (1, 2, 3, 4)
Parts = dict[str, bytes]
_MOST_TERMS = 4


def mended_query(query: Any, random: Dice, parts: Parts, cursors: list[str]) -> dict[str, Any]:
    """Return ``query`` as one that is likely to be answered.

    Pictures that it names as parts are added to ``parts``.
    """
    found = dict(query) if isinstance(query, dict) else {}
    known = ("terms", "filter", "limit", "cursor", "min_score", "collapse", "explain")
    found = {name: found[name] for name in known if found.get(name) is not None}
    terms = found.get("terms")
    terms = terms[:_MOST_TERMS] if isinstance(terms, list) and terms else [{}]
    found["terms"] = [_term(term, random, parts) for term in terms]
    found["terms"][0]["weight"] = random.choice((1, 0.5, 3))
    found.pop("cursor", None)
    found.pop("filter", None)
    if random.random() < 0.5:
        found["filter"] = material.condition(random)
    if cursors and random.random() < 0.15:
        kept = {name: found[name] for name in ("limit", "explain") if name in found}
        found = {**kept, "cursor": random.choice(cursors)}
    if not random.seldom(0.3):
        found.pop("min_score", None)
    if found.get("explain"):  # each hit has heat maps, and the limit is the lower
        found["limit"] = random.randint(1, 3)
    return found


def mended_feedback(body: Any, random: Dice, parts: Parts) -> dict[str, Any]:
    """Return judgements that are likely to be recorded, as many as ``body`` has, up to a few."""
    given = body.get("pairs") if isinstance(body, dict) else None
    pairs = given[:_MOST_TERMS] if isinstance(given, list) and given else [{}]
    return {"pairs": [_pair(pair, random, parts) for pair in pairs]}


def _pair(pair: Any, random: Dice, parts: Parts) -> dict[str, Any]:
    asked = pair.get("query") if isinstance(pair, dict) else None
    attribute, query = random.choice(ATTRIBUTES), _example(asked, random, parts)
    if isinstance(asked, dict) and asked.get("palette"):
        colors = [one for one in _palette(asked["palette"], random) if "any" not in one]
        attribute, query = "color", {"palette": colors}
    hit = random.choice([key for key in material.KEYS if key != query.get("key")])
    return {
        "attribute": attribute, "query": query, "hit": hit, "same": random.random() < 0.5
    }  # fmt: skip


def _term(term: Any, random: Dice, parts: Parts) -> dict[str, Any]:
    given = term if isinstance(term, dict) else {}
    made: dict[str, Any] = {}
    weight = given.get("weight")
    if isinstance(weight, int | float) and random.random() < 0.5:
        made["weight"] = weight
    if given.get("palette") and random.random() < 0.8:
        return {**made, "attribute": "color", "palette": _palette(given["palette"], random)}
    if random.random() < 0.7:
        made["attribute"] = random.choice(ATTRIBUTES)
    else:
        made["block"] = random.choice(BLOCKS)
    image = given.get("image")
    if isinstance(image, list):
        made["image"] = [_example(one, random, parts) for one in image[:3] or [{}]]
    else:
        made["image"] = _example(image, random, parts)
    return made


def _palette(given: Any, random: Dice) -> list[dict[str, Any]]:
    swatches: list[dict[str, Any]] = []
    for one in given[:4] if isinstance(given, list) else ():
        weight = one.get("weight") if isinstance(one, dict) else None
        color = random.choice(({"hex": "#7a1f2b"}, {"name": "navy"}, {"hex": "#0c0"}))
        swatches.append({**color, **({"weight": weight} if weight else {})})
    if len(swatches) > 1 and random.random() < 0.3:
        swatches[-1] = {"any": random.choice((1, 0.25))}
    return swatches or [{"name": "red"}]


def _example(given: Any, random: Dice, parts: Parts) -> dict[str, Any]:
    made = _source(random, parts)
    if isinstance(given, dict) and isinstance(given.get("region"), dict):
        left, top = random.random() * 0.5, random.random() * 0.5
        made["region"] = {"box": [left, top, left + 0.5, top + 0.5]}
    if isinstance(given, dict) and given.get("background"):
        made["background"] = random.choice(("auto", "none"))
    elif isinstance(given, dict) and given.get("mask") and "key" in made:
        made["mask"] = dict(made)  # a picture as its own mask has its size
        made["mask"].pop("region", None)
    return made


def _source(random: Dice, parts: Parts) -> dict[str, Any]:
    kind = random.choice(("key", "key", "base64", "part"))
    if kind == "key":
        return {"key": material.key(random)}
    if kind == "base64":
        return {"base64": material.pictured(random)}
    name = random.choice(("a", "b", "a picture"))
    parts.setdefault(name, material.picture(random))
    return {"part": name}
