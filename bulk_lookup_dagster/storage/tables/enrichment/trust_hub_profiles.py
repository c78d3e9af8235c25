"""Result table of the step `trust_hub_profiles`, and whose profiles those are."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from bulk_lookup_dagster.core.trust_hub import KINDS, STATUSES
from bulk_lookup_dagster.storage.tables.columns import METADATA, at, fk, now, text
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, result_table

EVALUATIONS = ("compliant", "noncompliant")
BASES = ("domain", "name")

trust_hub_profiles = result_table(
    "trust_hub_profiles",
    sa.Column("listed", sa.Integer),
    text("kind", 20),
    text("sid", 34),
    text("status", 20),
    text("policy_sid", 34),
    text("policy", 40),
    text("friendly_name", 200),
    at("valid_until"),
    at("changed_at"),
    at("reverify_at"),
    text("evaluation_status", 20),
    at("evaluated_at"),
    sa.Column("score", sa.SmallInteger),
    sa.Column("checks_passed", ARRAY(sa.String(201))),
    sa.Column("checks_failed", ARRAY(sa.String(201))),
    sa.Column("assigned", ARRAY(sa.String(34))),
    text("business_name", 200),
    text("registration_number", 40),
    text("registration_authority", 40),
    text("business_type", 100),
    text("domain", 253),
    sa.CheckConstraint("listed >= 0", name="listed"),
    sa.CheckConstraint(f"kind IN {tuple(KINDS.values())}", name="kind"),
    sa.CheckConstraint(f"status IN {STATUSES}", name="status"),
    sa.CheckConstraint(f"evaluation_status IN {EVALUATIONS}", name="evaluation_status"),
    sa.CheckConstraint("score BETWEEN 0 AND 100", name="score"),
    sa.CheckConstraint("cardinality(checks_passed) <= 200", name="checks_passed"),
    sa.CheckConstraint("cardinality(checks_failed) <= 200", name="checks_failed"),
    sa.CheckConstraint("cardinality(assigned) <= 1000", name="assigned"),
    comment="One answer about a Trust Hub resource of our account; only its operation's columns"
    " are filled.",
)

trust_hub_companies = sa.Table(
    "trust_hub_companies",
    METADATA,
    fk(
        "subject_id",
        "intake.subjects.subject_id",
        ondelete="CASCADE",
        nullable=False,
        index=False,
    ),
    fk("company_subject_id", "intake.subjects.subject_id", ondelete="CASCADE", nullable=False),
    text("basis", 20, nullable=False),
    fk("claim_id", "ledger.claims.claim_id", ondelete="RESTRICT", nullable=False),
    at("expires_at", index=True),
    now("matched_at"),
    sa.PrimaryKeyConstraint("subject_id", "company_subject_id"),
    sa.CheckConstraint(f"basis IN {BASES}", name="basis"),
    schema="enrichment",
    comment="A company of contacts whose profile this is: the same domain or exactly its name.",
)

VIEWS = best_view(trust_hub_profiles, per_operation=True)
