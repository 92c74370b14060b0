"""Damaged pictures are pictures or PictureErrors; benchmarks/decoding_fuzz.py is the long form."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.mutations import damaged, decodes, samples
from models.images import FORMATS


@pytest.mark.parametrize("kind", FORMATS)
def test_undamaged_samples_are_pictures(kind: str) -> None:
    assert all(decodes(data, at_least) for data in samples(kind) for at_least in (None, 8))


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_picture_gives_a_picture_or_a_picture_error(kind: str) -> None:
    outcomes = set()

    @settings(
        max_examples=150,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=damaged(kind), at_least=st.sampled_from((None, 8)))
    def run(data: bytes, at_least: int | None) -> None:
        outcomes.add(decodes(data, at_least))

    run()
    assert outcomes == {True, False}
