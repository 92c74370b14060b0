"""Generated requests to every operation of the OpenAPI document, with and without a key."""

from pathlib import Path

import pytest

from benchmarks.api_fuzz.calls import Seen, is_enough, operations, send_all
from benchmarks.api_fuzz.world import ACCESSES, Access, served

EXAMPLES = {"open": 6, "none": 3, "read": 3, "write": 3, "admin": 3}
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
