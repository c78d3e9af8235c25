"""Google Address Validation: what its operation is, costs and may be kept, how its answer is read.

Only verdicts are asked for and kept (field mask), no address text: whether the postal service
delivers there (USPS's delivery point validation, `dpvConfirmation`), whether people live there, and
how far down Google could confirm the address. Price: list price as read in 2026, before the free
allowance. Retention: RULES, as Google geocodes.

Columns, of `enrichment.addresses`: deliverability, kind (residential|commercial|po_box),
granularity, confidence (0 to 100, a scale of ours).

Belongs here: data and pure parsing. Does not: requests (see `google_address_client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from bulk_lookup_dagster.core.places import US
from bulk_lookup_dagster.core.subjects import AddressKey
from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields, Part

PROVIDER = "google_address"

OPERATIONS: Mapping[str, Operation] = {
    "validate_address": Operation(
        "validate_address", "address", "google_geocode", timedelta(days=29)
    ),
}

PRICES: tuple[Price, ...] = (
    Price(PROVIDER, "validate_address", 17_000, "Google Maps: $17 per 1,000", date(2026, 10, 1)),
)

_READ = Fields("Google Address Validation")
_DPV: Mapping[str, str] = {
    "Y": "deliverable",
    "S": "unit_not_confirmed",
    "D": "unit_missing",
    "N": "undeliverable",
}
_CONFIDENCE: Mapping[str, int] = {
    "SUB_PREMISE": 95,
    "PREMISE": 90,
    "PREMISE_PROXIMITY": 70,
    "BLOCK": 50,
    "ROUTE": 30,
    "OTHER": 10,
}
_UNCONFIRMED = 60


def request_of(subject: str) -> dict[str, Any]:
    """The request's document for an address subject; USPS's checks exist for the US alone."""
    key = AddressKey.parse(subject)
    line = f"{key.street} unit {key.unit}" if key.unit else key.street
    address = {
        "regionCode": key.country.upper() if len(key.country) == 2 else "",
        "addressLines": [line],
        "locality": key.city,
        "administrativeArea": key.state.upper(),
        "postalCode": key.postal_code,
    }
    told = {name: value for name, value in address.items() if value}
    return {"address": told, "enableUspsCass": key.country == US}


def parse_validate_address(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.addresses`; a verdict that is not told is not known (F37)."""
    verdict = _READ.part(answer, "verdict")
    granularity = _READ.text(verdict, "validationGranularity", 40)
    confidence = _CONFIDENCE.get(granularity or "")
    if confidence is not None and _READ.flag(verdict, "hasUnconfirmedComponents"):
        confidence = min(confidence, _UNCONFIRMED)
    dpv = _READ.text(_READ.part(answer, "uspsData"), "dpvConfirmation", 5)
    return {
        "deliverability": _DPV.get(dpv or "", "unknown"),
        "kind": _kind(_READ.part(answer, "metadata")),
        "granularity": None if granularity is None else granularity.lower(),
        "confidence": confidence,
    }


def _kind(metadata: Part) -> str | None:
    if _READ.flag(metadata, "poBox"):
        return "po_box"
    residential, business = _READ.flag(metadata, "residential"), _READ.flag(metadata, "business")
    if residential is not business and (residential or business):
        return "residential" if residential else "commercial"
    return None
