"""The judgements of a local index: two tables of its catalog."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import astuple, replace
from datetime import UTC, datetime
from typing import Any

from indexer.catalog import Catalog
from indexer.errors import CatalogError, FeedbackFullError
from indexer.feedback import Example, Judgement, Outcome, Shown
from indexer.records import seal

_SEALED = (
    "pair, time, attribute, same, query_key, query_version, query_slot, example, hit_key, "
    "hit_version, hit_slot, key_id"
)
_READ = "feedback.id, {}, feedback.seal, palette FROM feedback".format(
    ", ".join(f"feedback.{name}" for name in _SEALED.split(", "))
)
_JOIN = f"SELECT {_READ} LEFT JOIN feedback_examples ON example = digest"
_CHUNK = 5000


class FeedbackTable:
    """Implements ``FeedbackBook``. Any thread may read and write."""

    def __init__(
        self, catalog: Catalog, writing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        """Whoever is ``writing`` has the turn."""
        self._catalog, self._writing = catalog, writing

    def count(self, attribute: str | None = None) -> int:
        """Return how many judgements there are, in all or of an attribute."""
        sql, values = _of(attribute, "SELECT count(*) FROM feedback")
        return int(self._catalog.rows(sql, values)[0][0])

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return how many pairs of each attribute are the same, and how many different."""
        sql = "SELECT attribute, sum(same), sum(1 - same) FROM feedback GROUP BY 1 ORDER BY 1"
        return {name: (same, different) for name, same, different in self._catalog.rows(sql)}

    def page(self, attribute: str | None, after: int, limit: int) -> list[Judgement]:
        """Return up to ``limit`` judgements with an id above ``after``, in order of id."""
        sql, values = _of(attribute, _JOIN, "feedback.id > ?")
        ordered = f"{sql} ORDER BY feedback.id LIMIT ?"
        return [_judgement(row) for row in self._catalog.rows(ordered, [*values, after, limit])]

    def every(self, attribute: str | None = None) -> Iterator[Judgement]:
        """Yield all judgements in order of id, from one moment."""
        sql, values = _of(attribute, _JOIN)
        with self._catalog.reading() as connection:
            for row in connection.execute(f"{sql} ORDER BY feedback.id", values):
                yield _judgement(row)

    def pools(self, digests: Sequence[str]) -> dict[str, bytes]:
        """Return the packed raw pools of examples; raises CatalogError for damaged ones."""
        found: dict[str, bytes] = {}
        for at in range(0, len(digests), _CHUNK):
            some = digests[at : at + _CHUNK]
            marks = ",".join("?" * len(some))
            sql = f"SELECT * FROM feedback_examples WHERE digest IN ({marks})"
            for row in self._catalog.rows(sql, some):
                if seal(*row[:-1]) != row[-1]:
                    raise CatalogError(f"{_example_damaged(row)}: remove the judgements of it")
                found[row[0]] = row[2]
        return found

    def check(self) -> list[str]:
        """Return which judgements and examples are not what was written."""
        try:
            with self._catalog.reading() as connection:
                problems = [
                    f"judgement {row[0]} is not what was written"
                    for row in connection.execute(f"SELECT id, {_SEALED}, seal FROM feedback")
                    if seal(*row[1:-1]) != row[-1]
                ]
                examples = connection.execute("SELECT * FROM feedback_examples")
                problems += [_example_damaged(r) for r in examples if seal(*r[:-1]) != r[-1]]
                lost = connection.execute(
                    "SELECT id FROM feedback WHERE example IS NOT NULL AND example NOT IN "
                    "(SELECT digest FROM feedback_examples)"
                )
                return problems + [f"the example of judgement {row[0]} is lost" for row in lost]
        except CatalogError as error:
            return [str(error)]

    # --- writing

    def put(
        self, judgements: Sequence[Judgement], pools: Mapping[str, bytes], most: int
    ) -> list[Outcome]:
        """Record judgements, durably, all or none; return what became of each.

        Raises FeedbackFullError if there would be more than ``most``.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._writing(), self._catalog.transaction() as db:
            there = int(db.execute("SELECT count(*) FROM feedback").fetchone()[0])
            found = [self._put(replace(one, time=now), pools) for one in judgements]
            added = found.count("created")
            if added and there + added > most:
                raise FeedbackFullError(
                    f"the index has {there} judgements, and {added} more would be over the limit "
                    f"of {most}: export and remove some, or raise max_feedback"
                )
        return found

    def remove(self, ids: Sequence[int]) -> list[int]:
        """Remove judgements, and examples that none needs any more; return the ids there were."""
        removed = []
        with self._writing(), self._catalog.transaction() as db:
            for one in dict.fromkeys(ids):
                sql = "DELETE FROM feedback WHERE id = ? RETURNING example"
                gone = db.execute(sql, (one,)).fetchall()
                removed += [one] * len(gone)
                for (digest,) in gone:
                    db.execute(
                        "DELETE FROM feedback_examples WHERE digest = ?1 AND NOT EXISTS "
                        "(SELECT 1 FROM feedback WHERE example = ?1)",
                        (digest,),
                    )
        return removed

    def _put(self, one: Judgement, pools: Mapping[str, bytes]) -> Outcome:
        db = self._catalog.connection
        sql = "SELECT same FROM feedback WHERE pair = ?"
        before = db.execute(sql, (one.pair,)).fetchone()
        if before is not None and bool(before[0]) == one.same:
            return "unchanged"
        if isinstance(one.query, Example):
            example = (one.query.digest, one.query.palette, pools[one.query.digest])
            sql = "INSERT OR IGNORE INTO feedback_examples VALUES (?,?,?,?)"
            db.execute(sql, (*example, seal(*example)))
        names = f"{_SEALED}, seal"
        replaced = ", ".join(f"{name} = excluded.{name}" for name in names.split(", "))
        values = _values(one)
        db.execute(
            f"INSERT INTO feedback ({names}) VALUES ({','.join('?' * (len(values) + 1))}) "
            f"ON CONFLICT (pair) DO UPDATE SET {replaced}",
            (*values, seal(*values)),
        )
        return "created" if before is None else "replaced"


def _of(attribute: str | None, sql: str, also: str | None = None) -> tuple[str, list[object]]:
    """Return a statement about an attribute, or all, and its first values."""
    wanted = [*(["attribute = ?"] if attribute is not None else []), *([also] if also else [])]
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    return f"{sql}{where}", [] if attribute is None else [attribute]


def _values(one: Judgement) -> tuple[object, ...]:
    if isinstance(one.query, Shown):
        query: tuple[object, ...] = (*astuple(one.query), None)
    else:
        query = (None, None, None, one.query.digest)
    first = (one.pair, one.time, one.attribute, int(one.same))
    return (*first, *query, *astuple(one.hit), one.key_id)


def _judgement(row: Any) -> Judgement:
    identity, _, time, attribute, same, *query = row[:8]
    example, *hit, key_id, _, palette = row[8:]
    try:
        return Judgement(
            attribute=attribute,
            query=Shown(*query) if example is None else Example(example, palette),
            hit=Shown(*hit),
            same=bool(same),
            key_id=key_id,
            id=identity,
            time=time,
        )
    except TypeError as error:
        raise CatalogError(f"judgement {identity} is damaged: {error}") from error


def _example_damaged(row: Any) -> str:
    return f"the example {str(row[0])[:12]} of a judgement is not what was written"
