"""Other search engines, each as its own documentation would have it used, behind one protocol."""

import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.extraction import Vectors

Ids = NDArray[np.int64]
K = 10
_LINKS, _CONSTRUCTION = 16, 200
# Pymilvus asks for rows one by one.
_ROWS = 2000


class Peer(Protocol):
    """An engine with vectors in it. ``efforts`` rise: how far a search may look. Slow ones are
    ``asked`` fewer queries."""

    name: str
    asked: int
    efforts: Sequence[int]

    def build(self, vectors: Vectors) -> None:
        """Put (n, d) unit vectors in, their ids being their rows."""

    def search(self, queries: Vectors, effort: int) -> Ids:
        """Return (q, 10) ids."""

    def update(self, ids: Ids, vectors: Vectors) -> None:
        """Give ``ids`` other vectors."""

    def load(self) -> None:
        """Load again what was saved by ``size``."""

    def size(self) -> int:
        """Save it; return its bytes."""


class Hnswlib:
    """A graph over float32."""

    name, asked = "hnswlib", 1000
    efforts = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 256, 384, 512)

    def __init__(self, folder: Path, dimension: int) -> None:
        self._path, self._dimension = folder / "hnswlib", dimension

    def _made(self) -> Any:
        import hnswlib

        return hnswlib.Index("ip", self._dimension)

    def build(self, vectors: Vectors) -> None:
        """See ``Peer``."""
        self._index = self._made()
        self._index.init_index(len(vectors), M=_LINKS, ef_construction=_CONSTRUCTION)
        self._index.add_items(vectors)

    def search(self, queries: Vectors, effort: int) -> Ids:
        """See ``Peer``."""
        self._index.set_ef(effort)
        found: Ids = self._index.knn_query(queries, K)[0].astype(np.int64)
        return found

    def update(self, ids: Ids, vectors: Vectors) -> None:
        """See ``Peer``."""
        self._index.add_items(vectors, ids)

    def size(self) -> int:
        """See ``Peer``."""
        self._index.save_index(str(self._path))
        return self._path.stat().st_size

    def load(self) -> None:
        """See ``Peer``."""
        self._index = self._made()
        self._index.load_index(str(self._path))


class Usearch:
    """A graph over float16."""

    name, asked = "usearch f16", 1000
    efforts = Hnswlib.efforts

    def __init__(self, folder: Path, dimension: int) -> None:
        self._path, self._dimension = folder / "usearch", dimension

    def _made(self) -> Any:
        from usearch.index import Index

        return Index(
            ndim=self._dimension,
            metric="ip",
            dtype="f16",
            connectivity=_LINKS,
            expansion_add=_CONSTRUCTION,
        )

    def build(self, vectors: Vectors) -> None:
        """See ``Peer``."""
        self._index = self._made()
        self._index.add(np.arange(len(vectors)), vectors)

    def search(self, queries: Vectors, effort: int) -> Ids:
        """See ``Peer``."""
        self._index.expansion_search = effort
        found: Ids = self._index.search(queries, K).keys.astype(np.int64)
        return found

    def update(self, ids: Ids, vectors: Vectors) -> None:
        """See ``Peer``."""
        self._index.remove(ids)
        self._index.add(ids, vectors)

    def size(self) -> int:
        """See ``Peer``."""
        self._index.save(str(self._path))
        return self._path.stat().st_size

    def load(self) -> None:
        """See ``Peer``."""
        self._index = self._made()
        self._index.load(str(self._path))


class Lancedb:
    """A graph over bytes, ranked again by the vectors in its table."""

    name, asked = "lancedb", 100
    efforts = (20, 40, 80, 160, 320)

    def __init__(self, folder: Path, dimension: int) -> None:
        self._folder, self._dimension = folder / "lancedb", dimension

    def _rows(self, ids: Ids, vectors: Vectors) -> Any:
        import pyarrow as pa

        flat = pa.array(np.ascontiguousarray(vectors).ravel())
        column = pa.FixedSizeListArray.from_arrays(flat, self._dimension)
        return pa.table({"id": pa.array(ids), "vector": column})

    def build(self, vectors: Vectors) -> None:
        """See ``Peer``."""
        import lancedb

        database = lancedb.connect(str(self._folder))
        self._table = database.create_table("all", self._rows(np.arange(len(vectors)), vectors))
        self._table.create_index(
            metric="dot",
            vector_column_name="vector",
            index_type="IVF_HNSW_SQ",
            num_partitions=1,
            m=_LINKS,
            ef_construction=_CONSTRUCTION,
        )

    def search(self, queries: Vectors, effort: int) -> Ids:
        """See ``Peer``."""
        asked = self._table.search(queries).limit(K).nprobes(1).ef(effort).refine_factor(2)
        found = asked.select(["id", "_distance"]).to_arrow()
        order = np.argsort(found["query_index"].to_numpy(), kind="stable")
        ids: Ids = found["id"].to_numpy()[order].reshape(len(queries), -1)
        return ids

    def update(self, ids: Ids, vectors: Vectors) -> None:
        """See ``Peer``."""
        merge = self._table.merge_insert("id").when_matched_update_all()
        merge.when_not_matched_insert_all().execute(self._rows(ids, vectors))

    def size(self) -> int:
        """See ``Peer``."""
        return _bytes_in(self._folder)

    def load(self) -> None:
        """See ``Peer``."""
        import lancedb

        self._table = lancedb.connect(str(self._folder)).open_table("all")


class MilvusLite:
    """Inverted lists over float32."""

    name, asked = "Milvus Lite", 100
    efforts = (8, 16, 32, 64, 128, 256)

    def __init__(self, folder: Path, dimension: int) -> None:
        self._path, self._dimension = folder / "milvus.db", dimension
        self._connect()

    def _connect(self) -> None:
        from pymilvus import MilvusClient

        self._client = MilvusClient(str(self._path))

    def build(self, vectors: Vectors) -> None:
        """See ``Peer``."""
        from pymilvus import DataType

        schema = self._client.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._dimension)
        wanted = self._client.prepare_index_params()
        lists = int(4 * len(vectors) ** 0.5)
        wanted.add_index("vector", index_type="IVF_FLAT", metric_type="IP", params={"nlist": lists})
        self._client.create_collection("all", schema=schema)
        ids = np.arange(len(vectors))
        for at in range(0, len(vectors), _ROWS):
            some = slice(at, at + _ROWS)
            self._client.insert("all", _dicts(ids[some], vectors[some]))
        self._client.flush("all")
        self._client.create_index("all", wanted)
        self._client.load_collection("all")

    def search(self, queries: Vectors, effort: int) -> Ids:
        """See ``Peer``."""
        how = {"params": {"nprobe": effort}}
        found = self._client.search("all", data=list(queries), limit=K, search_params=how)
        return np.array([[one["id"] for one in hits] for hits in found])

    def update(self, ids: Ids, vectors: Vectors) -> None:
        """See ``Peer``."""
        self._client.upsert("all", _dicts(ids, vectors))

    def size(self) -> int:
        """See ``Peer``."""
        return _bytes_in(self._path) if self._path.is_dir() else self._path.stat().st_size

    def load(self) -> None:
        """See ``Peer``."""
        self._client.release_collection("all")
        self._client.load_collection("all")


_PEERS: dict[str, Callable[[Path, int], Peer]] = {
    "hnswlib": Hnswlib,
    "usearch": Usearch,
    "lancedb": Lancedb,
    "milvus_lite": MilvusLite,
}


def installed(folder: Path, dimension: int, only: Sequence[str]) -> list[Peer]:
    """Return the peers of ``only`` that are installed, and say which are missing."""
    os.environ.setdefault("RUST_LOG", "error")
    there = [name for name in only if importlib.util.find_spec(name)]
    if missing := [name for name in only if name not in there]:
        print(f"  not installed, so not compared: {', '.join(missing)} (pip install .[peers])")
    return [_PEERS[name](folder, dimension) for name in there]


NAMES = tuple(_PEERS)


def _dicts(ids: Ids, vectors: Vectors) -> list[dict[str, object]]:
    return [{"id": int(one), "vector": row} for one, row in zip(ids, vectors, strict=True)]


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
