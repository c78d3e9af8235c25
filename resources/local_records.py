"""Local rules as a provider, free: what they are asked, and how their answers are read.

They stand last in a waterfall and are labelled: an address by its form is a guess, a company by a
caller name has a name and nothing else. Retention: a guess as long as what vendors find (RULES, 180
days); a caller name 20 days, because it is taken from answers up to 10 days old, and together that
is RULES' 30.

Columns, of `enrichment.email_candidates`: email, source (guess), form, alternatives; of
`enrichment.company_profiles`: name, basis (caller_name).

Belongs here: data and pure parsing. Does not: the rules (`core.email_patterns`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Operation
from resources.fields import Fields

PROVIDER = "local"
CALLER_NAME_AGE = timedelta(days=10)
_RULES_SINCE = date(2026, 10, 1)

OPERATIONS: Mapping[str, Operation] = {
    "email_guess": Operation("email_guess", "person", "own_guess", timedelta(days=180)),
    "caller_name": Operation(
        "caller_name",
        "company",
        "twilio_caller_name",
        timedelta(days=30) - CALLER_NAME_AGE,
        inputs=("caller_name",),
        required_inputs=("caller_name",),
    ),
}

PRICES: tuple[Price, ...] = tuple(
    Price(PROVIDER, name, 0, "our own rules", _RULES_SINCE) for name in OPERATIONS
)

_READ = Fields("Local rules")


def parse_email_guess(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.email_candidates`; whatever comes from here is a guess (F34)."""
    email = _READ.text(answer, "email", 320)
    return {
        "email": email,
        "source": None if email is None else "guess",
        "form": _READ.text(answer, "form", 40),
        "alternatives": _READ.texts(answer, "alternatives", 320),
    }


def parse_caller_name(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `enrichment.company_profiles`."""
    return {"basis": "caller_name", "name": _READ.text(answer, "name", 200)}
