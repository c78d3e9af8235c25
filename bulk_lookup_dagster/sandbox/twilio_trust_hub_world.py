"""What the sandbox's Trust Hub account has from the start: our own firm and some of the world's.

One firm in nine is a customer of ours, with the same name and site as at every other vendor. Most
are approved, some were rejected for want of a field, some were never finished.

Belongs here: that stock. Does not: rules (`twilio_trust_hub_account`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bulk_lookup_dagster.core.trust_hub import APPROVED, DRAFT, POLICIES, REJECTED
from bulk_lookup_dagster.sandbox.draws import draw
from bulk_lookup_dagster.sandbox.people import FIRMS, TRADES, Company, company_named
from bulk_lookup_dagster.sandbox.twilio_trust_hub_account import (
    ADDRESS,
    BUSINESS,
    REPRESENTATIVE,
    Item,
    Profile,
    TrustHubAccount,
)

_CUSTOMER_OF = 9
_OWN = "Bulk Lookup Example"
_EPOCH = datetime(2026, 1, 5, tzinfo=UTC)


def stocked() -> TrustHubAccount:
    """A fresh account with its stock."""
    account = TrustHubAccount()
    names = [f"{firm} {trade[0]}" for firm in FIRMS for trade in TRADES]
    own = _profile(account, company_named(_OWN), "primary_business", APPROVED)
    for number, name in enumerate(names):
        if number % _CUSTOMER_OF == 0:
            status = (APPROVED, APPROVED, APPROVED, REJECTED, DRAFT)[number // _CUSTOMER_OF % 5]
            _customer(account, company_named(name), status, own.sid)
    return account


def _customer(account: TrustHubAccount, firm: Company, status: str, own: str) -> None:
    profile = _profile(account, firm, "secondary_business", status)
    profile.assigned[own] = account.new_sid("BV", profile.sid, own)
    if status != APPROVED:
        return
    product = _new(account, firm, "TrustProducts", "a2p_messaging", APPROVED)
    product.assigned[profile.sid] = account.new_sid("BV", product.sid, profile.sid)
    product.evaluations.append(_dated(account.evaluate(product), product))


def _profile(account: TrustHubAccount, firm: Company, policy: str, status: str) -> Profile:
    profile = _new(account, firm, "CustomerProfiles", policy, status)
    business = _business(firm)
    if status == REJECTED:
        del business["business_registration_number"]
    for prefix, kind, attributes in (
        ("IT", BUSINESS, business),
        ("IT", REPRESENTATIVE, _representative(firm)),
        ("RD", ADDRESS, {"address_sids": account.new_sid("AD", firm.key)}),
    ):
        if status == DRAFT and kind != BUSINESS:
            continue
        sid = account.new_sid(prefix, kind, firm.key)
        account.items[sid] = Item(sid, f"{firm.name} {kind}", kind, attributes, profile.created)
        profile.assigned[sid] = account.new_sid("BV", profile.sid, sid)
    if status != DRAFT:
        profile.evaluations.append(_dated(account.evaluate(profile), profile))
    return profile


def _new(account: TrustHubAccount, firm: Company, path: str, policy: str, status: str) -> Profile:
    at = _EPOCH + timedelta(days=draw("trust hub", firm.key) % 300)
    sid = account.new_sid("BU", path, firm.key)
    email = f"compliance@{firm.domain}"
    profile = Profile(sid, path, firm.legal_name, email, POLICIES[policy], at, at, status)
    account.profiles[sid] = profile
    return profile


def _dated(evaluation: dict[str, Any], profile: Profile) -> dict[str, Any]:
    return {**evaluation, "date_created": f"{profile.created:%Y-%m-%dT%H:%M:%SZ}"}


def _business(firm: Company) -> dict[str, Any]:
    return {
        "business_name": firm.legal_name,
        "business_type": "Corporation",
        "business_industry": firm.sector.upper().replace(" ", "_"),
        "business_registration_number": f"{draw('ein', firm.key) % 10**9:09d}",
        "business_registration_identifier": "EIN",
        "business_regions_of_operation": "USA_AND_CANADA",
        "website_url": firm.site,
    }


def _representative(firm: Company) -> dict[str, Any]:
    return {
        "first_name": "Ada",
        "last_name": "Brook",
        "email": f"ada.brook@{firm.domain}",
        "phone_number": firm.phone or "+16025550100",
        "business_title": "Owner",
        "job_position": "CEO",
    }
