"""Google Address Validation: what a verdict means, and that what is not told stays unknown."""

from __future__ import annotations

from typing import Any

import pytest

from resources.google_address_client import FIELD_MASK
from resources.google_address_records import parse_validate_address, request_of


def verdict(granularity: str, *, unconfirmed: bool = False, **parts: Any) -> dict[str, Any]:
    told = {"validationGranularity": granularity, "hasUnconfirmedComponents": unconfirmed}
    return parse_validate_address({"verdict": told, **parts})


@pytest.mark.parametrize(
    "code,meaning",
    [
        ("Y", "deliverable"),
        ("S", "unit_not_confirmed"),
        ("D", "unit_missing"),
        ("N", "undeliverable"),
        ("", "unknown"),
        ("?", "unknown"),
        (None, "unknown"),
    ],
)
def test_f37_delivery_is_known_where_the_postal_service_says_so(
    code: str | None, meaning: str
) -> None:
    found = verdict("PREMISE", uspsData={"dpvConfirmation": code})
    assert found["deliverability"] == meaning
    assert verdict("PREMISE")["deliverability"] == "unknown"


@pytest.mark.parametrize(
    "metadata,kind",
    [
        ({"residential": True, "business": False}, "residential"),
        ({"residential": False, "business": True}, "commercial"),
        ({"residential": True, "business": True}, None),
        ({"residential": False, "business": False}, None),
        ({"residential": True, "poBox": True}, "po_box"),
        ({}, None),
    ],
)
def test_f37_who_lives_there_is_known_where_one_thing_is_said(
    metadata: dict[str, bool], kind: str | None
) -> None:
    assert verdict("PREMISE", metadata=metadata)["kind"] == kind


@pytest.mark.parametrize(
    "granularity,unconfirmed,confidence",
    [("SUB_PREMISE", False, 95), ("PREMISE", True, 60), ("ROUTE", True, 30), ("NEW", False, None)],
)
def test_how_far_down_it_was_confirmed_says_how_sure_it_is(
    granularity: str, unconfirmed: bool, confidence: int | None
) -> None:
    assert verdict(granularity, unconfirmed=unconfirmed)["confidence"] == confidence


def test_no_address_text_is_asked_for() -> None:
    assert FIELD_MASK.split(",") == [
        *("result.verdict", "result.metadata", "result.uspsData.dpvConfirmation")
    ]


@pytest.mark.parametrize(
    "country,region,usps", [("us", "US", True), ("de", "DE", False), ("germany", None, False)]
)
def test_usps_is_asked_about_the_us_alone(country: str, region: str | None, usps: bool) -> None:
    request = request_of(f"1 elm st||reno|nv|89501|{country}")
    assert (request["address"].get("regionCode"), request["enableUspsCass"]) == (region, usps)
