from __future__ import annotations

from bulk_lookup_dagster.core.privacy import HASH_BYTES, subject_hmac


def test_a_subject_is_known_by_its_kind_value_and_key() -> None:
    first = subject_hmac(b"k" * 32, "phone", "+14155552671")
    assert len(first) == HASH_BYTES
    assert first == subject_hmac(b"k" * 32, "phone", "+14155552671")
    assert first != subject_hmac(b"l" * 32, "phone", "+14155552671")
    assert first != subject_hmac(b"k" * 32, "email", "+14155552671")
