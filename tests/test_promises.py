"""What docs/security.md and docs/reliability.md promise is shown by tests that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DEFINED = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}


def rows(page: str) -> list[str]:
    """Return the rows of a page's tables, without their heads."""
    lines = (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
    return [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if line.startswith("| ") and before.startswith("|") and not line.startswith("| ---")
    ]


@pytest.mark.parametrize("page", ["security.md", "reliability.md"])
def test_every_test_that_a_page_names_is_there(page: str) -> None:
    named = re.findall(r"`([^`]+)`", "\n".join(row.rsplit("|", 2)[-2] for row in rows(page)))
    shown = re.findall(r"`(tests/[^`:]+|(?:tests/)?[\w/]*test_\w+\.py|(?:[\w./]+::)?test_\w+…?)`",
                       (ROOT / "docs" / page).read_text(encoding="utf-8"))  # fmt: skip
    assert named
    assert len(shown) > 10
    for name in shown:
        file, _, test = name.rpartition("::") if "::" in name else ("", "", name)
        if test.endswith(".py") or test.startswith("tests/"):
            assert list(ROOT.glob(test if "/" in test else f"tests/**/{test}")), name
        elif test.endswith("…"):
            assert any(one.startswith(test[:-1]) for one in DEFINED), name
        else:
            assert test in DEFINED, name
        if file:
            assert list(ROOT.glob(file if "/" in file else f"tests/**/{file}")), name


@pytest.mark.parametrize("page", ["security.md", "reliability.md"])
def test_every_promise_names_what_shows_it(page: str) -> None:
    found = [row for row in rows(page) if row.count("|") >= 4]
    assert len(found) > 10
    for row in found:
        assert re.search(r"test_\w+|python -m benchmarks|pyproject\.toml", row), row
