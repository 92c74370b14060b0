"""Generated requests to every operation of the OpenAPI document, with and without a key."""

from pathlib import Path

import pytest

import api.routes.index
import api.security.gate
from benchmarks.api_fuzz.calls import Seen, is_enough, operations, send_all
from benchmarks.api_fuzz.world import ACCESSES, Access, served

EXAMPLES = {"open": 6, "none": 3, "read": 3, "feedback": 3, "write": 3, "admin": 3}
"""Requests to each operation, and half as many that break its schema."""


@pytest.mark.parametrize("access", ACCESSES)
def test_every_answer_is_one_that_the_document_promises(access: Access, tmp_path: Path) -> None:
    seen = Seen()
    with served(tmp_path, access) as world:
        send_all(world, EXAMPLES[access], 1, seen)
        let_in = {one.label: is_enough(world, one) for one in operations(world)}
        opened_by_address = {f"GET /v1{path}" for path in world.pool.signed}
    assert seen.failures == {}
    # An operation that never succeeds is not tested, and one that is not allowed never does.
    succeeded = {label for label in let_in if seen.of(label, 2)}
    assert succeeded == {label for label, may in let_in.items() if may} | opened_by_address


def test_answer_that_is_not_promised_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(api.routes.index, "describe", fail)
    seen = Seen()
    with served(tmp_path, "open") as world:
        send_all(world, 1, 1, seen, only="GET /v1/index")
    assert any("500, Server error" in what for what in seen.failures)
    assert any("500, Undocumented" in what for what in seen.failures)


def test_operation_that_lets_in_whoever_has_no_right_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen()
    with served(tmp_path, "read") as world:
        monkeypatch.setattr(api.security.gate, "scope_needed", lambda method, path: "read")
        send_all(world, 3, 1, seen, only="DELETE /v1/items/{key}")
    assert any("without the right" in what for what in seen.failures)
