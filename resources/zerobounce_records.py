"""ZeroBounce: what its operation is, costs and may be kept, and how its answer is read.

Shapes: contract `derived_zerobounce`. Price: pay as you go in small packs, as read in 2026;
`unknown` is not charged. Retention: RULES, "e-mail, company, people vendors" 180 days. Of an answer
only what the columns need is kept: names, gender and the place of an IP address are not.

Columns, of `enrichment.email_verifications`: verdict (see `VERDICTS`), sub_status (the vendor's
word), is_free, is_role, is_disposable, did_you_mean, mx_found, smtp_provider, domain_age_days.

Belongs here: data and pure parsing. Does not: requests (see `zerobounce_client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields, Part

PROVIDER = "zerobounce"
PRICES_AS_OF = date(2026, 10, 1)

OPERATIONS: Mapping[str, Operation] = {
    "validate": Operation("validate", "email", "zerobounce", timedelta(days=180)),
}

PRICES: tuple[Price, ...] = (
    Price(PROVIDER, "validate", 10_000, "ZeroBounce pay as you go: $0.01", PRICES_AS_OF),
)

KEPT = (
    "status",
    "sub_status",
    "free_email",
    "did_you_mean",
    "mx_found",
    "smtp_provider",
    "domain_age_days",
)

_READ = Fields("ZeroBounce")
_VERDICTS: Mapping[str, str] = {
    "valid": "valid",
    "invalid": "invalid",
    "catch-all": "accept_all",
    "spamtrap": "spamtrap",
    "abuse": "abuse",
    "do_not_mail": "do_not_mail",
}
_ROLES = frozenset({"role_based", "role_based_catch_all", "role_based_accept_all"})


def parse_validate(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.email_verifications`; a status we do not know is unknown (F37)."""
    sub_status = _READ.text(answer, "sub_status", 60)
    return {
        "verdict": _VERDICTS.get(_READ.text(answer, "status", 30) or "", "unknown"),
        "sub_status": sub_status,
        "is_free": _READ.flag(answer, "free_email"),
        "is_role": None if sub_status is None else sub_status in _ROLES,
        "is_disposable": None if sub_status is None else sub_status == "disposable",
        "did_you_mean": _READ.text(answer, "did_you_mean", 320),
        "mx_found": _mx_found(answer),
        "smtp_provider": _READ.text(answer, "smtp_provider", 100),
        "domain_age_days": _age(answer),
    }


def _mx_found(answer: Part) -> bool | None:
    """Told as the text "true" or "false", by some editions as a boolean."""
    value = answer.get("mx_found")
    if value in ("true", "false"):
        return bool(value == "true")
    if value == "":
        return None
    return _READ.flag(answer, "mx_found")


def _age(answer: Part) -> int | None:
    text = _READ.text(answer, "domain_age_days", 10)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise _READ.bad("domain_age_days", "is not a number of days")
    return min(int(text), 100_000)
