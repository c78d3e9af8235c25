"""The look-up answers of a batch: what every answer promises to later stages.

Belongs here: the rules of `enrichment.phone_lookups` in words. Does not: reading the frame.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandera.pandas as pa

OUTCOMES = ("data", "no_data", "invalid_subject")
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
COLUMNS = (
    "subject_id",
    "operation",
    "outcome",
    "valid",
    "line_type",
    "caller_type",
    "risk_level",
    "sms_pumping_risk_score",
    "fetched_at",
    "expires_at",
)


@cache
def phone_lookups_schema() -> pa.DataFrameSchema:
    """The schema; validate with `lazy=True` to hear of every broken rule at once."""
    import pandera.pandas as pa

    def one_of(name: str, values: tuple[str, ...]) -> Any:
        return pa.Check.isin(values, error=f"{name} is not one the vendor has")

    return pa.DataFrameSchema(
        {
            "subject_id": pa.Column("int64"),
            "operation": pa.Column("object"),
            "outcome": pa.Column("object", one_of("outcome", OUTCOMES)),
            "valid": pa.Column("object", nullable=True),
            "line_type": pa.Column("object", one_of("line_type", LINE_TYPES), nullable=True),
            "caller_type": pa.Column(
                "object", one_of("caller_type", ("BUSINESS", "CONSUMER")), nullable=True
            ),
            "risk_level": pa.Column("object", one_of("risk_level", RISK_LEVELS), nullable=True),
            "sms_pumping_risk_score": pa.Column(
                "float64",
                pa.Check.in_range(0, 100, error="sms_pumping_risk_score is not 0 to 100"),
                nullable=True,
            ),
            "fetched_at": pa.Column("object"),
            "expires_at": pa.Column("object", nullable=True),
        },
        unique=["subject_id", "operation"],
        strict=True,
        name="phone_lookups",
    )
