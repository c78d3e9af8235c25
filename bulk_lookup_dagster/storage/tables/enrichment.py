"""Schema `enrichment`: one table per step, keyed by what was asked, each value with its origin."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from bulk_lookup_dagster.storage.tables.columns import METADATA, at, fk, hash_bytes, json, text

OUTCOMES = ("data", "no_data", "invalid_subject")


def result_columns() -> list[sa.schema.SchemaItem]:
    """Key and provenance every result table has: subject, provider, operation, claim, licence."""
    return [
        fk(
            "subject_id",
            "intake.subjects.subject_id",
            ondelete="CASCADE",
            nullable=False,
            index=False,
        ),
        text("provider", 40, nullable=False),
        text("operation", 60, nullable=False),
        hash_bytes("params_hash", nullable=False),
        fk("claim_id", "ledger.claims.claim_id", ondelete="RESTRICT", nullable=False),
        text("outcome", 20, nullable=False),
        text("licence_class", 40, nullable=False),
        at("fetched_at", nullable=False),
        at("expires_at", index=True),  # what has run out since is asked for by every build
        sa.PrimaryKeyConstraint("subject_id", "provider", "operation", "params_hash"),
        sa.CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        sa.CheckConstraint("expires_at >= fetched_at", name="times"),
    ]


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean)


phone_lookups = sa.Table(
    "phone_lookups",
    METADATA,
    *result_columns(),
    _flag("valid"),
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
    _flag("number_blocked"),
    sa.Column("number_blocked_on", sa.Date),
    _flag("number_blocked_last_3_months"),
    text("risk_level", 10),
    text("line_status", 30),
    text("reassigned", 30),
    _flag("call_forwarding_enabled"),
    at("sim_swapped_at"),
    _flag("sim_swapped_in_period"),
    sa.Column("identity_score", sa.SmallInteger),
    sa.Column("quality_score", sa.SmallInteger),
    json("details"),
    sa.CheckConstraint("sms_pumping_risk_score BETWEEN 0 AND 100", name="risk_score"),
    sa.CheckConstraint("identity_score BETWEEN 0 AND 100", name="identity_score"),
    sa.CheckConstraint("quality_score BETWEEN 0 AND 100", name="quality_score"),
    sa.CheckConstraint("risk_level IN ('low','medium','high','unknown')", name="risk_level"),
    sa.CheckConstraint("cardinality(validation_errors) <= 20", name="validation_errors"),
    schema="enrichment",
    comment="One answer of a phone look-up package; only that package's columns are filled.",
)
