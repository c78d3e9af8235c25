"""Result table of the step `phone_lookups`."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from bulk_lookup_dagster.storage.tables.columns import at, json, text
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, flag, result_table

phone_lookups = result_table(
    "phone_lookups",
    flag("valid"),
    sa.Column("validation_errors", ARRAY(sa.String(40))),
    text("national_format", 40),
    text("country_code", 3),
    text("line_type", 30),
    text("carrier_name", 200),
    text("mobile_country_code", 5),
    text("mobile_network_code", 5),
    text("caller_name", 200),
    text("caller_type", 30),
    sa.Column("sms_pumping_risk_score", sa.SmallInteger),
    text("carrier_risk_category", 30),
    flag("number_blocked"),
    sa.Column("number_blocked_on", sa.Date),
    flag("number_blocked_last_3_months"),
    text("risk_level", 10),
    text("line_status", 30),
    text("reassigned", 30),
    flag("call_forwarding_enabled"),
    at("sim_swapped_at"),
    flag("sim_swapped_in_period"),
    sa.Column("identity_score", sa.SmallInteger),
    sa.Column("quality_score", sa.SmallInteger),
    json("details"),
    sa.CheckConstraint("sms_pumping_risk_score BETWEEN 0 AND 100", name="risk_score"),
    sa.CheckConstraint("identity_score BETWEEN 0 AND 100", name="identity_score"),
    sa.CheckConstraint("quality_score BETWEEN 0 AND 100", name="quality_score"),
    sa.CheckConstraint("risk_level IN ('low','medium','high','unknown')", name="risk_level"),
    sa.CheckConstraint("cardinality(validation_errors) <= 20", name="validation_errors"),
    comment="One answer of a phone look-up package; only that package's columns are filled.",
)

VIEWS = best_view(phone_lookups, per_operation=True)
