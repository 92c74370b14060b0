"""The main road: sample, build, query, serve, export, verify, on real pictures and weights."""

import csv
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from service.collage import CAPTION, GAP, TILE
from tests.e2e.conftest import Command

pytestmark = pytest.mark.e2e


def precision_at_5(hueweave: Command, index: Path, fabrics: Path, attribute: str) -> float:
    """Return the share of the five nearest (itself left out) that share the picture's label."""
    with fabrics.open() as file:
        label = {row["path"]: row[attribute] for row in csv.DictReader(file)}
    keys = list(label)[::3]
    pictures = [fabrics.parent / key for key in keys]
    done = hueweave("query", *pictures, "--index", index, "-a", attribute, "-k", 6, "--json")
    assert done.code == 0
    shares = []
    for key, line in zip(keys, done.out.splitlines(), strict=True):
        others = [hit["key"] for hit in json.loads(line)["hits"] if hit["key"] != key][:5]
        shares.append(np.mean([label[other] == label[key] for other in others]))
    return float(np.mean(shares))


def test_nearest_fabrics_share_the_color_asked_for(
    hueweave: Command, fabric_index: Path, fabrics: Path
) -> None:
    assert precision_at_5(hueweave, fabric_index, fabrics, "color") > 0.8


def test_nearest_fabrics_share_the_texture_asked_for(
    hueweave: Command, fabric_index: Path, fabrics: Path
) -> None:
    assert precision_at_5(hueweave, fabric_index, fabrics, "texture") > 0.8


def test_shell_and_rest_give_the_same_hits(
    hueweave: Command, server: httpx.Client, fabric_index: Path, fabrics: Path
) -> None:
    picture = fabrics.parent / "images" / "green-waves-0.jpg"
    line = hueweave("query", picture, "--index", fabric_index, "-a", "texture", "--json").out
    answer = server.post(
        "/v1/search/image",
        files={"image": picture.read_bytes()},
        data={"attribute": "texture", "limit": 10},
    )
    shell, rest = json.loads(line)["hits"], answer.json()["hits"]
    assert [hit["key"] for hit in shell] == [hit["key"] for hit in rest]
    assert shell[0]["score"] == pytest.approx(rest[0]["score"], abs=1e-3)


def test_hits_of_the_server_can_be_looked_at(server: httpx.Client) -> None:
    query = {"terms": [{"attribute": "color", "image": {"key": "images/red-dots-0.jpg"}}]}
    hit = server.post("/v1/search", json=query).json()["hits"][1]
    assert hit["metadata"]["color"] == "red"
    assert server.get(hit["image_url"]).headers["content-type"] == "image/jpeg"
    assert server.get(hit["thumbnail_url"]).headers["content-type"] == "image/webp"


def test_list_of_queries_gives_a_collage_each(
    hueweave: Command, fabric_index: Path, fabrics: Path, tmp_path: Path
) -> None:
    names = ["images/red-dots-0.jpg", "images/grey-plain-0.jpg"]
    (fabrics.parent / "queries.txt").write_text("\n".join(names))
    done = hueweave(
        "query", "--list", fabrics.parent / "queries.txt", "--index", fabric_index,
        "-a", "color", "-a", "texture", "-k", 3, "--collage", tmp_path / "answers",
    )  # fmt: skip
    assert done.code == 0
    assert sorted(path.name for path in (tmp_path / "answers").iterdir()) == [
        "0001-red-dots-0-color.png",
        "0002-red-dots-0-texture.png",
        "0003-grey-plain-0-color.png",
        "0004-grey-plain-0-texture.png",
    ]


def test_collage_shows_the_query_and_every_hit(
    hueweave: Command, fabric_index: Path, fabrics: Path, tmp_path: Path
) -> None:
    picture = fabrics.parent / "images" / "red-dots-0.jpg"
    target = tmp_path / "answer.png"
    done = hueweave(
        "query", picture, "--index", fabric_index, "--block", 1, "-k", 5, "--collage", target
    )
    assert done.code == 0
    with Image.open(target) as image:
        assert image.size == (GAP + 6 * (TILE + GAP), GAP + TILE + CAPTION + GAP)


def test_build_run_again_does_nothing_and_loads_no_network(
    hueweave: Command, fabric_index: Path, fabrics: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import models.loading

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was loaded")

    monkeypatch.setattr(models.loading, "load_pinned", refuse)
    before = (fabric_index / "manifest.json").read_bytes()
    done = hueweave("build", fabrics, "--index", fabric_index)
    assert done.code == 0
    assert "100 unchanged" in done.out
    assert (fabric_index / "manifest.json").read_bytes() == before


def test_init_makes_an_empty_index_that_answers_with_nothing(
    hueweave: Command, fabrics: Path, tmp_path: Path
) -> None:
    index = tmp_path / "empty"
    assert hueweave("init", "--index", index, "--backbone", "efficientnet_lite0").code == 0
    assert hueweave("verify", "--index", index).code == 0
    picture = fabrics.parent / "images" / "red-dots-0.jpg"
    done = hueweave("query", picture, "--index", index, "-a", "color", "--json")
    assert json.loads(done.out)["hits"] == []
    assert hueweave("build", fabrics, "--index", index).code == 0
    assert "100 items" in hueweave("build", fabrics, "--index", index).out


def test_metadata_columns_reach_the_answer_with_their_types(
    hueweave: Command, fabrics: Path, tmp_path: Path
) -> None:
    rows = [f"{fabrics.parent}/images/red-dots-0.jpg,sku 7,007,12.5,3,true"]
    rows += [f"{fabrics.parent}/images/blue-dots-0.jpg,sku 8,008,,4,false"]
    table = tmp_path / "shop.csv"
    table.write_text("path,key,code,price,stock,new\n" + "\n".join(rows))
    arguments = ("--backbone", "efficientnet_lite0", "--index-column", "price")
    assert hueweave("build", table, "--index", tmp_path / "i", *arguments).code == 0
    info = json.loads(hueweave("info", "--index", tmp_path / "i", "--json").out)
    columns = {one["name"]: (one["type"], one["indexed"]) for one in info["columns"]}
    assert columns == {
        "code": ("text", False),
        "price": ("number", True),
        "stock": ("integer", False),
        "new": ("boolean", False),
    }
    picture = fabrics.parent / "images" / "red-dots-0.jpg"
    done = hueweave("query", picture, "--index", tmp_path / "i", "-a", "color", "--json")
    first = json.loads(done.out)["hits"][0]
    assert first["key"] == "sku 7"
    assert first["metadata"] == {"code": "007", "price": 12.5, "stock": 3, "new": True}


@pytest.mark.parametrize("index_type", ["HNSW16", "IVF4,Flat", "SQ8"])
def test_other_index_types_answer_too(
    hueweave: Command, fabrics: Path, tmp_path: Path, index_type: str
) -> None:
    index = tmp_path / "index"
    arguments = ("--backbone", "efficientnet_lite0", "--index-type", index_type)
    assert hueweave("build", fabrics, "--index", index, *arguments).code == 0
    picture = fabrics.parent / "images" / "red-dots-0.jpg"
    done = hueweave("query", picture, "--index", index, "-a", "color", "-k", 3, "--json")
    answer = json.loads(done.out)
    assert answer["hits"][0]["key"] == "images/red-dots-0.jpg"
    assert answer["exact"] is False


def test_euclidean_metric_orders_by_distance(
    hueweave: Command, fabrics: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    arguments = ("--backbone", "efficientnet_lite0", "--metric", "l2", "--preset", "paper")
    assert hueweave("build", fabrics, "--index", index, *arguments).code == 0
    picture = fabrics.parent / "images" / "red-dots-0.jpg"
    line = hueweave("query", picture, "--index", index, "-a", "color", "-k", 100, "--json").out
    found = json.loads(line)["hits"]
    keys, vectors = _exported(hueweave, index, tmp_path, "--attribute", "color")
    at = keys.index("images/red-dots-0.jpg")
    distances = np.linalg.norm(vectors - vectors[at], axis=1)
    similarity = {hit["key"]: hit["terms"][0]["similarity"] for hit in found}
    # The query is embedded alone, the catalog in batches: equal up to rounding.
    for key, distance in zip(keys, distances, strict=True):
        assert -similarity[key] == pytest.approx(distance, abs=0.02 * float(distances.max()))


def test_real_weights_serve_blocks_they_cover_and_refuse_others(
    hueweave: Command, shared: Path, tmp_path: Path
) -> None:
    weights = next((shared / "weights").glob("*.safetensors"))
    with (shared / "data" / "product-colors" / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))[:40]
    table = tmp_path / "some.csv"
    lines = [f"{shared}/data/product-colors/{row['path']},{row['color']}" for row in rows]
    table.write_text("path,color\n" + "\n".join(lines))
    index = tmp_path / "index"
    named = ("--backbone", "resnet50_v1", "--weights", weights)
    assert hueweave("build", table, "--index", index, *named).code == 0
    picture = f"{shared}/data/product-colors/{rows[0]['path']}"
    done = hueweave("query", picture, "--index", index, "-a", "color", "--json")
    assert json.loads(done.out)["hits"][0]["metadata"]["color"] == rows[0]["color"]
    done = hueweave("query", picture, "--index", index, "--block", 5)
    assert (done.code, "block 5 is not in this index" in done.err) == (2, True)
    done = hueweave("build", table, "--index", tmp_path / "deep", *named, "--blocks", "1-5")
    assert (done.code, "cover blocks 1 to 4" in done.err) == (2, True)
    assert not (tmp_path / "deep").exists()


def test_plain_resnet50_refuses_weights_that_are_for_the_other_stride(
    hueweave: Command, shared: Path, fabrics: Path, tmp_path: Path
) -> None:
    weights = next((shared / "weights").glob("*.safetensors"))
    named = ("--backbone", "resnet50", "--weights", weights)
    done = hueweave("build", fabrics, "--index", tmp_path / "i", *named)
    assert done.code == 2
    assert "are for 'resnet50_v1', not for 'resnet50'" in done.err


def test_packaged_network_serves_all_five_blocks(
    hueweave: Command, fabrics: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    arguments = ("--backbone", "efficientnet_lite0", "--blocks", "1-5")
    assert hueweave("build", fabrics, "--index", index, *arguments).code == 0
    _, vectors = _exported(hueweave, index, tmp_path, "--block", "5")
    assert vectors.shape == (100, 320)


def _exported(
    hueweave: Command, index: Path, tmp_path: Path, *what: str
) -> tuple[list[str], np.ndarray]:
    assert hueweave("export", tmp_path / "out.npz", "--index", index, *what).code == 0
    with np.load(tmp_path / "out.npz") as found:
        return found["keys"].tolist(), found["embeddings"]
