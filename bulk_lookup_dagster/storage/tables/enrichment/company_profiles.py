"""Result table of the step `company_profiles`."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from bulk_lookup_dagster.storage.tables.columns import text
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, result_table

BASES = ("record", "caller_name")

company_profiles = result_table(
    "company_profiles",
    text("basis", 20),
    text("name", 200),
    text("legal_name", 200),
    text("company_type", 40),
    text("sector", 100),
    text("industry", 200),
    text("description", 2_000),
    sa.Column("employees", sa.Integer),
    text("employees_band", 20),
    sa.Column("revenue_usd", sa.BigInteger),
    text("revenue_band", 20),
    text("bands_version", 20),
    sa.Column("founded_year", sa.SmallInteger),
    text("street", 310),
    text("city", 100),
    text("state_region", 100),
    text("postal_code", 20),
    text("country", 100),
    text("phone", 40),
    text("site", 310),
    text("email_domain", 253),
    text("linkedin", 200),
    text("twitter", 200),
    text("facebook", 200),
    sa.Column("tags", ARRAY(sa.String(100))),
    sa.Column("tech", ARRAY(sa.String(100))),
    sa.Column("likelihood", sa.SmallInteger),
    sa.CheckConstraint(f"basis IN {BASES}", name="basis"),
    sa.CheckConstraint("employees >= 0", name="employees"),
    sa.CheckConstraint("revenue_usd >= 0", name="revenue_usd"),
    sa.CheckConstraint("founded_year BETWEEN 1000 AND 2100", name="founded_year"),
    sa.CheckConstraint("likelihood BETWEEN 0 AND 100", name="likelihood"),
    sa.CheckConstraint("cardinality(tags) <= 50", name="tags"),
    sa.CheckConstraint("cardinality(tech) <= 50", name="tech"),
    comment="One vendor's answer to what a company is; basis caller_name has a name and no more.",
)

VIEWS = best_view(company_profiles)
