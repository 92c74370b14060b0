"""Do palettes find pictures of the color they name: P@10 on labels.

`python -m benchmarks.palettes LABELS.csv --index DIR`: the file has columns `path` (or `key`) and
`color`, and the index is built from it.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path
from statistics import mean

from service.opening import Opened, open_index
from service.query import Query
from service.settings import load_settings

# Written down before anything was measured: what people type, what cloth of that name has, and
# what lies around the color that most people would point at.
HEXES = {
    "as typed": {
        "black": "#000000 #111111 #1a1a1a #222222 #0a0a0a",
        "blue": "#0000ff #1e90ff #4169e1 #000080 #4682b4",
        "brown": "#a52a2a #8b4513 #a0522d #d2691e #654321",
        "green": "#008000 #00ff00 #228b22 #2e8b57 #32cd32",
        "grey": "#808080 #a9a9a9 #696969 #778899 #c0c0c0",
        "pink": "#ffc0cb #ff69b4 #ff1493 #ffb6c1 #db7093",
        "purple": "#800080 #9370db #8a2be2 #9932cc #663399",
        "red": "#ff0000 #dc143c #b22222 #8b0000 #e60000",
        "white": "#ffffff #f5f5f5 #fffafa #fffff0 #f8f8ff",
        "yellow": "#ffff00 #ffd700 #f0e68c #ffeb3b #fde910",
    },
    "of cloth": {
        "black": "#1b1b1e #141416 #232224 #262428 #1e1c1c",
        "blue": "#26468c #1e2d5a #466eaa #5f8cbe #191e3c",
        "brown": "#65432c #543a2a #855e42 #463026 #966e50",
        "green": "#286e3c #4b5f37 #6e8c46 #1e4632 #5a966e",
        "grey": "#808082 #a0a0a2 #5f6064 #b4b4b6 #6e7073",
        "pink": "#e68ca5 #f0b4c3 #d75082 #dc96a0 #c83c6e",
        "purple": "#5f3778 #4b2d5f #825a96 #6e3264 #9678af",
        "red": "#b41e28 #a01923 #c82d32 #8c141e #cd283c",
        "white": "#f0f0ee #e8e6e2 #f5f4f2 #e1e1e1 #ececf0",
        "yellow": "#ebc83c #f0d25a #e1b428 #f5e178 #e6be14",
    },
    "around the focal color": {
        "black": "#1a191a #0e1215 #1d181b #161312 #161b1a",
        "blue": "#0067cf #003dbe #005eb8 #0050e2 #0054b5",
        "brown": "#583a27 #70372b #79402f #734420 #6b3500",
        "green": "#227626 #527b1c #007d1c #2b873b #468f52",
        "grey": "#828584 #717575 #908b93 #787782 #7e7d76",
        "pink": "#f9a1be #ff86b2 #f48fad #e59cad #ff869d",
        "purple": "#82289a #8c419b #6c0b9b #601388 #9103a2",
        "red": "#c80000 #cc0d00 #cb372d #c62e1b #c9000d",
        "white": "#f1f5f5 #d4dbd7 #d8d5e1 #fafff9 #eff8ee",
        "yellow": "#ffe644 #f2d400 #edcd38 #e8d000 #ffc900",
    },
}


def precision_at_10(opened: Opened, labels: dict[str, str]) -> dict[str, dict[str, float]]:
    """Return P@10 by set of hexes and color name, of the colors that ``labels`` know."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for kind, names in HEXES.items():
        for name, hexes in names.items():
            if name in labels.values():
                found[kind][name] = mean(_right(opened, labels, name, one) for one in hexes.split())
    return found


def _right(opened: Opened, labels: dict[str, str], name: str, hex: str) -> float:
    query = {"terms": [{"attribute": "color", "palette": [{"hex": hex}]}], "limit": 10}
    hits = opened.searcher.answer(Query.model_validate(query), {}).hits
    return mean(labels.get(hit.key) == name for hit in hits)


def main() -> None:
    """Ask with every hex and print P@10 by name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.palettes", description=__doc__)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--index", required=True)
    given = parser.parse_args()
    with given.labels.open(encoding="utf-8-sig", newline="") as file:
        labels = {row.get("key") or row["path"]: row["color"] for row in csv.DictReader(file)}
    opened = open_index(load_settings(index=given.index))
    for kind, found in precision_at_10(opened, labels).items():
        by_name = ", ".join(f"{name} {share:.2f}" for name, share in found.items())
        print(f"{kind}: P@10 {mean(found.values()):.3f} ({by_name})")
    opened.close()


if __name__ == "__main__":
    main()
