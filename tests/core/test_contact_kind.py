"""Business or consumer: only what the vendor said, nothing guessed."""

from __future__ import annotations

import pytest

from bulk_lookup_dagster.core.contact_kind import ContactKind, contact_kind


@pytest.mark.parametrize(
    "told, kind",
    [
        ("BUSINESS", "business"),
        ("CONSUMER", "consumer"),
        (" business ", "business"),
        (None, "unknown"),
        ("", "unknown"),
        ("UNDETERMINED", "unknown"),
        ("Acorn Business Inc", "unknown"),
    ],
)
def test_f38_a_kind_is_what_the_vendor_said_and_anything_else_is_unknown(
    told: str | None, kind: ContactKind
) -> None:
    assert contact_kind(told) == kind
