"""Cursors: all that the next page of an answer needs, in one opaque text.

A cursor holds the terms' vectors, so that nothing is embedded again, what has been shown, so that
nothing is shown twice, and which items there were and which means, so that nothing shifts. It is
kept by the client: any server of the same index can go on from it.
"""

import base64
import binascii
import hashlib
import json
import zlib
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from indexer.filters import ALL, Filter
from indexer.manifest import Manifest
from indexer.spaces import Slots
from models.errors import shorten
from models.extraction import Vectors
from service.errors import QueryError
from service.query import Query, Subject

_VERSION = 1
# What a cursor may come to once it is unpacked.
_MOST_BYTES = 4 * 1024 * 1024


class CursorError(QueryError):
    """A cursor that is damaged, of another index or query, or too old."""


class _Term(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)

    attribute: str | None = None
    block: int | None = None
    weight: float
    width: int


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    version: int
    identity: str
    statistics: str
    end: int
    terms: list[_Term]
    filter: Filter = ALL
    min_score: float = 0.0
    collapse: str | None = None
    digest: str
    shown: int
    firsts: int


@dataclass(frozen=True)
class Cursor:
    """Where an answer stopped. ``end`` is the first slot that did not exist when it began.

    ``firsts`` are those of the slots ``shown`` that others were folded into, or might yet be.
    """

    identity: str
    statistics: str
    end: int
    subjects: tuple[Subject, ...]
    weights: tuple[float, ...]
    vectors: tuple[Vectors, ...]
    filter: Filter
    min_score: float
    collapse: str | None
    digest: str
    shown: Slots
    firsts: Slots

    def encode(self) -> str:
        """Return it as text that goes through JSON and addresses."""
        terms = [
            _Term(attribute=one.attribute, block=one.block, weight=weight, width=len(vector))
            for one, weight, vector in zip(self.subjects, self.weights, self.vectors, strict=True)
        ]
        head = _Head(
            version=_VERSION,
            identity=self.identity,
            statistics=self.statistics,
            end=self.end,
            terms=terms,
            filter=self.filter,
            min_score=self.min_score,
            collapse=self.collapse,
            digest=self.digest,
            shown=len(self.shown),
            firsts=len(self.firsts),
        )
        text = head.model_dump_json(exclude_none=True).encode()
        vectors = b"".join(np.ascontiguousarray(one, "<f4").tobytes() for one in self.vectors)
        slots = b"".join(
            np.diff(np.sort(one), prepend=0).astype("<i4").tobytes()
            for one in (self.shown, self.firsts)
        )
        body = len(text).to_bytes(4, "little") + text + vectors + slots
        return base64.urlsafe_b64encode(zlib.compress(body, 6)).decode()


def decode_cursor(text: str, manifest: Manifest) -> Cursor:
    """Return the cursor in ``text``; raises CursorError for one that is none of this index."""
    try:
        body = _unpack(text)
        length = int.from_bytes(body[:4], "little")
        head = _Head.model_validate_json(body[4 : 4 + length])
        if head.version != _VERSION:
            raise CursorError(f"cursor is of version {head.version}: expected {_VERSION}")
        if head.identity != manifest.identity:
            raise CursorError("cursor is of another index: ask again without it")
        return _cursor(head, body[4 + length :])
    except (ValueError, ValidationError, zlib.error, binascii.Error) as error:
        raise CursorError(
            f"cursor {shorten(text, 20)!r} is none: expected next_cursor of an answer, unchanged"
        ) from error


def query_digest(query: Query) -> str:
    """Return what tells queries apart, whatever their page."""
    document: dict[str, Any] = query.model_dump(
        mode="json", include={"terms", "filter", "min_score", "collapse"}
    )
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]


def _unpack(text: str) -> bytes:
    unpacker = zlib.decompressobj()
    body = unpacker.decompress(base64.b64decode(text, altchars=b"-_", validate=True), _MOST_BYTES)
    if not unpacker.eof:
        raise ValueError("cut short, or too much")
    return body


def _cursor(head: _Head, rest: bytes) -> Cursor:
    widths = [term.width for term in head.terms]
    if min(widths, default=0) < 1 or len(rest) != 4 * (sum(widths) + head.shown + head.firsts):
        raise ValueError("its lengths do not add up")
    weights = [term.weight for term in head.terms]
    if max(weights) <= 0 or not isfinite(sum(map(abs, weights))):
        raise ValueError("its weights are none of a query")
    flat = np.frombuffer(rest, "<f4", sum(widths))
    if not np.isfinite(flat).all():
        raise ValueError("its vectors are not finite")
    steps = np.frombuffer(rest, "<i4", offset=4 * sum(widths))
    if not 0 <= head.shown <= len(steps):
        raise ValueError("its lengths do not add up")
    return Cursor(
        identity=head.identity,
        statistics=head.statistics,
        end=head.end,
        subjects=tuple(Subject(term.attribute, term.block) for term in head.terms),
        weights=tuple(weights),
        vectors=tuple(np.split(flat.astype(np.float32), np.cumsum(widths)[:-1])),
        filter=head.filter,
        min_score=head.min_score,
        collapse=head.collapse,
        digest=head.digest,
        shown=_rising(steps[: head.shown]),
        firsts=_rising(steps[head.shown :]),
    )


def _rising(steps: NDArray[np.int32]) -> Slots:
    """Return slots that are written as the steps between them."""
    slots = np.cumsum(steps, dtype=np.int64)
    if len(slots) and (slots[0] < 0 or (np.diff(slots) <= 0).any()):
        raise ValueError("its slots do not rise")
    return slots
