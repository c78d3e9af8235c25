"""Verizon ThingSpace: what fixed wireless qualification is, costs and may be kept, how it is read.

"FWA address qualification" checks coverage and capacity at one address, per network type. The
answer comes by call-back; its documentation shows no schema beyond network types with a verdict
each, so the verdict is read leniently and the rest is left alone. A contract is needed, so there is
no public price: the operator sets one. Retention: RULES, Verizon qualification 30 days.

Columns, of `enrichment.broadband_coverage`: lte_home, five_g_home, basis.

Belongs here: data and pure parsing. Does not: requests (see `verizon_client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.core.subjects import AddressKey
from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields, Part

PROVIDER = "verizon"
NETWORK_TYPES = ("LTE", "C-BAND", "MMWAVE")

OPERATIONS: Mapping[str, Operation] = {
    "fwa_qualification": Operation(
        "fwa_qualification", "address", "verizon_qualification", timedelta(days=30)
    ),
}

PRICES: tuple[Price, ...] = ()

_READ = Fields("Verizon ThingSpace")
_VERDICTS = ("qualified", "covered", "coverage", "status")
_YES = frozenset({"y", "yes", "true", "qualified", "covered"})
_NO = frozenset({"n", "no", "false", "not qualified", "not_qualified", "notqualified"})


def request_of(subject: str, account_name: str) -> dict[str, Any]:
    """The request's document for one address."""
    key = AddressKey.parse(subject)
    address = {
        "addressLine1": key.street,
        "addressLine2": f"unit {key.unit}" if key.unit else "",
        "city": key.city,
        "state": key.state.upper(),
        "country": "USA",
        "zip": key.postal_code[:5],
    }
    return {
        "accountName": account_name,
        "requestType": "FWA",
        "locationType": "ADDRESS",
        "locations": {"addressList": [{name: part for name, part in address.items() if part}]},
        "networkTypesList": [{"networkType": name} for name in NETWORK_TYPES],
    }


def kept_of_callback(document: Mapping[str, Any]) -> dict[str, Any]:
    """Network types and verdicts of a call-back, without address and credentials."""
    places = _READ.parts(_READ.part(document, "locations"), "addressList")
    if not places:
        raise BadResponse("Verizon ThingSpace: a call-back tells of no address.")
    networks = _READ.parts(places[0], "networkTypesList")
    return {
        "networks": [
            {"type": _READ.text(one, "networkType", 30), "qualified": _verdict(one)}
            for one in networks
        ]
    }


def parse_fwa_qualification(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.broadband_coverage`; a network not told of is not known (F37)."""
    told: dict[str, bool | None] = {}
    for one in _READ.parts(answer, "networks"):
        told[(_READ.text(one, "type", 30) or "").upper()] = _READ.flag(one, "qualified")
    return {
        "lte_home": told.get("LTE"),
        "five_g_home": _any(told.get("C-BAND"), told.get("MMWAVE")),
        "basis": "qualified_at_address",
    }


def _any(*verdicts: bool | None) -> bool | None:
    known = [one for one in verdicts if one is not None]
    return any(known) if known else None


def _verdict(network: Part) -> bool | None:
    for name in _VERDICTS:
        value = network.get(name)
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            word = value.strip().casefold()
            return True if word in _YES else False if word in _NO else None
    return None
