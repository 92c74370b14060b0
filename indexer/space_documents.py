"""Spaces as the manifest's JSON holds them; their numbers as float32 in base64."""

import base64
from typing import Any

import numpy as np

from indexer.branches import METHODS, Affine, Branch, Method
from indexer.spaces import METRICS, Space
from models.errors import one_of
from models.extraction import PoolName, Vectors, parse_pool_kind

Document = dict[str, Any]


def space_document(space: Space) -> Document:
    """Return a space as JSON holds it."""
    branches = [_branch_document(branch) for branch in space.branches]
    return {"name": space.name, "metric": space.metric, "branches": branches}


def read_space(document: Document) -> Space:
    """Return the space in ``document``; raises KeyError, TypeError, ValueError, AttributeError or
    UnknownNameError if it is damaged."""
    branches = tuple(_branch(one) for one in document["branches"])
    return Space(document["name"], branches, one_of("metric", document["metric"], METRICS))


def migrate_space(document: Document, widths: dict[str, int]) -> Document:
    """Return a space's document as it is since schema 4 from one of before."""
    mean, at, branches = document["mean"], 0, []
    for pool in document["pools"]:
        part = None if mean is None else np.array(mean[at : at + widths[pool]], np.float32)
        at += widths[pool]
        method: Method = "centred" if document["centre"] else "plain"
        rooted = frozenset({parse_pool(pool)} if document["root"] else ())
        layers = None if part is None else (Affine(part),)
        branches.append(Branch((parse_pool(pool),), rooted, method=method, layers=layers))
    metric = one_of("metric", document["metric"], METRICS)
    return space_document(Space(document["name"], tuple(branches), metric))


def parse_pool(text: str) -> PoolName:
    """Return the pool that is called ``text``; raises ValueError or UnknownNameError."""
    block, _, kind = text.partition("-")
    return PoolName(int(block), parse_pool_kind(kind))


def _branch_document(branch: Branch) -> Document:
    return {
        "pools": [str(pool) for pool in branch.pools],
        "rooted": [str(pool) for pool in branch.pools if pool in branch.rooted],
        "method": branch.method,
        "width": branch.width,
        "spread": branch.spread,
        "weight": branch.weight,
        "probe": None if branch.probe is None else _affine_document(branch.probe),
        "layers": None if branch.layers is None else [_affine_document(x) for x in branch.layers],
    }


def _branch(document: Document) -> Branch:
    probe, layers = document["probe"], document["layers"]
    return Branch(
        pools=tuple(parse_pool(pool) for pool in document["pools"]),
        rooted=frozenset(parse_pool(pool) for pool in document["rooted"]),
        method=one_of("method", document["method"], METHODS),
        width=int(document["width"]),
        spread=float(document["spread"]),
        weight=float(document["weight"]),
        probe=None if probe is None else _affine(probe),
        layers=None if layers is None else tuple(_affine(one) for one in layers),
    )


def _affine_document(affine: Affine) -> Document:
    matrix = None if affine.matrix is None else _packed(affine.matrix)
    return {"shift": _packed(affine.shift), "matrix": matrix}


def _affine(document: Document) -> Affine:
    shift, matrix = _unpacked(document["shift"]), document["matrix"]
    return Affine(shift, None if matrix is None else _unpacked(matrix).reshape(len(shift), -1))


def _packed(values: Vectors) -> str:
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def _unpacked(text: str) -> Vectors:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
