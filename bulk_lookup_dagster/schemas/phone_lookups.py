"""The look-up answers of a batch: what every answer promises to later stages.

Belongs here: the rules of `enrichment.phone_lookups` in words. Does not: reading the frame.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.schemas.answers import answers_schema, between, flag, one_of

if TYPE_CHECKING:
    import pandera.pandas as pa

LINE_TYPES = (
    "mobile",
    "landline",
    "tollFree",
    "fixedVoip",
    "nonFixedVoip",
    "personal",
    "premium",
    "voicemail",
    "sharedCost",
    "uan",
    "pager",
    "unknown",
)
RISK_LEVELS = ("low", "medium", "high", "unknown")
COLUMNS = ("valid", "line_type", "caller_type", "risk_level", "sms_pumping_risk_score")
NUMBERS = ("sms_pumping_risk_score",)


@cache
def phone_lookups_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.phone_lookups`."""
    return answers_schema(
        "phone_lookups",
        {
            "valid": flag(),
            "line_type": one_of("line_type", LINE_TYPES),
            "caller_type": one_of("caller_type", ("BUSINESS", "CONSUMER")),
            "risk_level": one_of("risk_level", RISK_LEVELS),
            "sms_pumping_risk_score": between("sms_pumping_risk_score", 0, 100),
        },
    )
