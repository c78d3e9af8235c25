"""Result table of the step `person_profiles`."""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import text
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, flag, result_table

person_profiles = result_table(
    "person_profiles",
    text("first_name", 100),
    text("last_name", 100),
    text("position", 200),
    text("department", 100),
    text("seniority", 100),
    text("company_name", 200),
    text("company_domain", 253),
    text("linkedin", 200),
    text("twitter", 200),
    text("facebook", 200),
    text("work_email", 320),
    flag("has_work_email"),
    sa.Column("likelihood", sa.SmallInteger),
    sa.CheckConstraint("likelihood BETWEEN 0 AND 100", name="likelihood"),
    comment="One vendor's answer to who somebody is at work.",
)

VIEWS = best_view(person_profiles)
KEPT = ("has_work_email",)
"""That an address was told outlives the address: or its expiry would buy another."""
