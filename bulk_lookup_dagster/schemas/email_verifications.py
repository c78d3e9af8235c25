"""The verifications of a batch's addresses: what every answer promises to later stages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import answers_schema, between, flag, one_of

if TYPE_CHECKING:
    import pandera.pandas as pa

VERDICTS = ("valid", "invalid", "accept_all", "do_not_mail", "spamtrap", "abuse", "unknown")
NUMBERS = ("score", "domain_age_days")
COLUMNS = ("verdict", "is_free", "is_role", "is_disposable", "mx_found", *NUMBERS)


@cache
def email_verifications_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.email_verifications`."""
    return answers_schema(
        "email_verifications",
        {
            "verdict": one_of("verdict", VERDICTS),
            "is_free": flag(),
            "is_role": flag(),
            "is_disposable": flag(),
            "mx_found": flag(),
            "score": between("score", 0, 100),
            "domain_age_days": between("domain_age_days", 0, 100_000),
        },
    )
