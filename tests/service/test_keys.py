"""API keys: what they may do, and what is kept of them."""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service import keys
from service.keys import SCOPES, ApiKey, KeySet, Scope, is_key, new_secret, new_signing_secret

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET, DIGEST = new_secret()
TEXT = f"hw_0123abcd_{SECRET}"


def key_set(**changes: Any) -> KeySet:
    values = {"id": "0123abcd", "name": "shop", "scope": "read", "created": NOW, "sha256": DIGEST}
    key = ApiKey.model_validate({**values, **changes})
    return KeySet(signing_secret=new_signing_secret(), keys=(key,))


def test_secret_has_256_random_bits_and_only_its_digest_is_kept() -> None:
    secrets = {new_secret()[0] for _ in range(100)}
    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {43}  # 256 bits, 6 a letter
    assert SECRET not in key_set().model_dump_json()
    assert is_key(TEXT)


def test_key_is_found_by_its_text() -> None:
    found = key_set().find(TEXT, NOW)
    assert found is not None
    assert found.name == "shop"


@pytest.mark.parametrize(
    "text",
    [
        "", "hw_", TEXT[:-1], f"{TEXT}x", f"{TEXT}\n", TEXT.upper(), f"hw_ffffffff_{SECRET}",
        f"hw_0123abcd_{new_secret()[0]}", SECRET, f"hw_0123abcd_{DIGEST}", "hw_0123abcd_ü",
        f"x{TEXT}",
    ],
)  # fmt: skip
def test_any_other_text_is_no_key(text: str) -> None:
    assert key_set().find(text, NOW) is None


def test_key_counts_until_it_expires_and_not_at_that_moment() -> None:
    held = key_set(expires=NOW + timedelta(days=1))
    assert held.find(TEXT, NOW + timedelta(days=1, seconds=-1)) is not None
    assert held.find(TEXT, NOW + timedelta(days=1)) is None


@pytest.mark.parametrize(
    "text", [TEXT, f"hw_ffffffff_{SECRET}", f"hw_0123abcd_{new_secret()[0]}", "nonsense"]
)
def test_one_whole_digest_is_compared_in_constant_time_whatever_was_sent(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(keys, "hmac", type("hmac", (), {"compare_digest": staticmethod(compare)}))
    key_set().find(text, NOW)
    assert [(len(one), len(other)) for one, other in compared] == [(64, 64)]


@pytest.mark.parametrize("scope", SCOPES)
def test_each_scope_holds_those_before_it(scope: Scope) -> None:
    (key,) = key_set(scope=scope).keys
    allowed = [one for one in SCOPES if key.allows(one)]
    assert allowed == list(SCOPES[: SCOPES.index(scope) + 1])
