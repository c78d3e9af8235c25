"""Truecaller, for holders of a private contract: its operation, and how its answer is read.

The shape is that of the adapter the contract's holder runs (see `truecaller_client`). No price is
published, so the operator sets the contract's. Retention: RULES, "e-mail, company, people vendors"
180 days; a contract that says less is kept to by the operator. Only name, type and spam flag are
kept of an answer.

Columns, of `enrichment.reverse_phones`: owner_name, owner_type (person|business), owners (the one
owner, with `is_spam`); address, carrier, line_type, is_prepaid and is_commercial stay unknown.

Belongs here: data and pure parsing. Does not: requests (see `truecaller_client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields, Part
from resources.phone_owners import owner_columns

PROVIDER = "truecaller"

OPERATIONS: Mapping[str, Operation] = {
    "owner": Operation("owner", "phone", "truecaller_people", timedelta(days=180)),
}

PRICES: tuple[Price, ...] = ()

_TYPES = ("person", "business")
_READ = Fields("Truecaller")


def kept_of(owner: Part) -> dict[str, Any]:
    """Name, type and spam flag: what of an owner is stored."""
    return {"owner": {name: owner.get(name) for name in ("name", "type", "is_spam")}}


def parse_owner(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.reverse_phones`."""
    owner = _READ.part(answer, "owner")
    return owner_columns([_owner(owner)] if owner else [])


def _owner(owner: Part) -> dict[str, Any]:
    kind = _READ.text(owner, "type", 20)
    if kind is not None and kind not in _TYPES:
        raise _READ.bad("type", f"is none of {', '.join(_TYPES)}")
    return {
        "name": _READ.text(owner, "name", 200),
        "type": kind,
        "is_spam": _READ.flag(owner, "is_spam"),
        "addresses": [],
    }
