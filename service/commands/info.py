"""`hueweave info`: what an index is and holds."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import note, say

if TYPE_CHECKING:
    from service.info import FailureInfo, IndexInfo, StatisticsInfo, TuningInfo
    from service.settings import Settings

_SHOWN = 10
_MORE = "`hueweave info --failures` on the index's folder lists them"


def info(
    index: o.Index = None,
    failures: Annotated[
        bool, typer.Option("--failures", help="List every picture that could not be read.")
    ] = False,
    as_json: o.AsJson = False,
) -> None:
    """Show what an index is made of, how much it holds, and what could not be read."""
    from service.settings import load_settings

    found, listed = _look(load_settings(index=index), -1 if failures else _SHOWN)
    if as_json:
        say(_json(found, listed))
    else:
        _print(found, listed or [])
        if found.failures > len(listed or []):
            note(f"… and {found.failures - len(listed or [])} more: {_MORE}")


def _look(settings: "Settings", limit: int) -> "tuple[IndexInfo, list[FailureInfo] | None]":
    from indexer.local import LocalStore
    from service.info import describe, describe_failure
    from service.opening import index_folder
    from service.remote import is_remote, open_remote

    if settings.index and is_remote(settings.index):
        with closing(open_remote(settings)) as remote:
            return remote.info(), None
    with closing(LocalStore(index_folder(settings))) as store:
        return describe(store), [describe_failure(one) for one in store.failures(limit)]


def _json(found: "IndexInfo", listed: "list[FailureInfo] | None") -> str:
    import json

    document = found.model_dump(mode="json")
    if listed is not None:  # a server tells only how many
        document["unreadable"] = [one.model_dump(mode="json") for one in listed]
    return json.dumps(document, indent=2, ensure_ascii=False)


def _print(found: "IndexInfo", listed: "list[FailureInfo]") -> None:
    lines = {
        "items": str(found.items),
        "unreadable": str(found.failures),
        "backbone": f"{found.backbone}, weights {found.weights}",
        "weights SHA-256": found.weights_sha256,
        "numbers": _numbers(found),
        "preset": found.preset,
        "blocks": ", ".join(map(str, found.blocks)),
        "attributes": ", ".join(f"{name} → {space}" for name, space in found.attributes.items()),
        "index type": _index_type(found),
        "reduced": found.reduce,
        "generation": "none yet" if found.generation is None else str(found.generation),
        "statistics": _statistics(found.statistics),
        "on disk": ", ".join(f"{k} {v / 2**20:.1f} MiB" for k, v in found.bytes_on_disk.items()),
        "columns": ", ".join(
            f"{c.name} ({c.type}{', indexed' if c.indexed else ''})" for c in found.columns
        )
        or "none",
    }
    for name, value in lines.items():
        say(f"{name:16} {value}")
    for space in found.spaces:
        steps = (*(["root"] if space.rooted else []), *space.methods)
        how = "FAISS" if space.indexed else "scanned"
        say(f"space            {space.name}: {space.dimension} dimensions, "
            f"{' + '.join((*steps, space.metric))}, {how}")  # fmt: skip
        for segment in space.segments:
            say(f"segment          {space.name}: {_tuning(segment)}")
    for one in listed:
        say(f"unreadable       {one.key}: {one.reason}")


def _numbers(found: "IndexInfo") -> str:
    return f"int8, network {found.network_sha256}" if found.network_sha256 else found.precision


def _index_type(found: "IndexInfo") -> str:
    if found.index_type != "auto":
        return found.index_type
    return f"auto: {found.profile}, recall {found.recall:g}"


def _tuning(found: "TuningInfo") -> str:
    """Return how a segment is searched, in words."""
    if not found.effort:
        return f"{found.index_type}, all of it is looked at"
    unit = "steps" if "HNSW" in found.index_type else "lists"
    again = f", {found.candidates} candidates ranked again" if found.candidates else ""
    return f"{found.index_type}, {found.effort} {unit}{again}, recall {found.recall:.3f}"


def _statistics(found: "StatisticsInfo") -> str:
    if found.provisional:
        return f"none yet: taken once there are {found.enough} items, or by a build"
    return f"taken from {found.items} items"
