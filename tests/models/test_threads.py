"""The threads of a network on a processor, shared by calls that go at once."""

import pytest
import torch

from models.threads import all_threads, shared


def _fail_within(calls: int, now: list[int]) -> None:
    with shared(calls):
        raise ValueError(f"had {now[0]}")


@pytest.mark.parametrize(("calls", "expected"), [(1, 4), (2, 2), (3, 1), (9, 1)])
def test_call_has_its_share_of_the_threads_and_gives_it_back(
    calls: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [4]
    monkeypatch.setattr(torch, "get_num_threads", lambda: now[0])
    monkeypatch.setattr(torch, "set_num_threads", lambda count: now.__setitem__(0, count))
    all_threads.cache_clear()
    try:
        with pytest.raises(ValueError, match=f"had {expected}$"):
            _fail_within(calls, now)
        assert now == [4]
    finally:
        all_threads.cache_clear()
