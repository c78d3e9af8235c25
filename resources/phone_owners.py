"""Columns of `enrichment.reverse_phones`: the same ones whichever vendor says to whom it belongs.

Belongs here: the columns made of a list of owners. Does not: reading a vendor's owners and
addresses (`NAME_records`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PLACE = ("street", "city", "state_region", "postal_code", "country")


def owner_columns(
    owners: Sequence[Mapping[str, Any]],
    *,
    carrier: str | None = None,
    line_type: str | None = None,
    is_prepaid: bool | None = None,
    is_commercial: bool | None = None,
) -> dict[str, Any]:
    """One row; the first owner and the first address of it speak for the number."""
    first: Mapping[str, Any] = owners[0] if owners else {}
    place = (first.get("addresses") or [{}])[0]
    return {
        "owner_name": first.get("name"),
        "owner_type": first.get("type"),
        "owners": list(owners),
        **{name: place.get(name) for name in PLACE},
        "carrier": carrier,
        "line_type": line_type,
        "is_prepaid": is_prepaid,
        "is_commercial": is_commercial,
    }
