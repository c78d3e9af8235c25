"""What our Trust Hub account says: what every answer promises to later stages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bulk_lookup_dagster.core.trust_hub import KINDS, POLICIES, STATUSES
from bulk_lookup_dagster.schemas.answers import answers_schema, between, one_of

if TYPE_CHECKING:
    import pandera.pandas as pa

EVALUATIONS = ("compliant", "noncompliant")
NUMBERS = ("listed", "score")
COLUMNS = ("kind", "status", "policy", "evaluation_status", *NUMBERS)


@cache
def trust_hub_profiles_schema() -> pa.DataFrameSchema:
    """The schema of `enrichment.trust_hub_profiles`."""
    return answers_schema(
        "trust_hub_profiles",
        {
            "kind": one_of("kind", tuple(KINDS.values())),
            "status": one_of("status", STATUSES),
            "policy": one_of("policy", tuple(POLICIES)),
            "evaluation_status": one_of("evaluation_status", EVALUATIONS),
            "listed": between("listed", 0, 1_000),
            "score": between("score", 0, 100),
        },
    )
