"""Result table of the step `email_verifications`."""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import text
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, flag, result_table

VERDICTS = ("valid", "invalid", "accept_all", "do_not_mail", "spamtrap", "abuse", "unknown")

email_verifications = result_table(
    "email_verifications",
    text("verdict", 20),
    text("sub_status", 60),
    sa.Column("score", sa.SmallInteger),
    flag("is_free"),
    flag("is_role"),
    flag("is_disposable"),
    flag("mx_found"),
    text("did_you_mean", 320),
    text("smtp_provider", 100),
    sa.Column("domain_age_days", sa.Integer),
    sa.Index(
        "email_verifications_claimed_idx",
        "sub_status",
        "subject_id",
        postgresql_where=sa.text("sub_status = 'claimed_email'"),
    ),
    sa.CheckConstraint(f"verdict IN {VERDICTS}", name="verdict"),
    sa.CheckConstraint("score BETWEEN 0 AND 100", name="score"),
    sa.CheckConstraint("domain_age_days >= 0", name="domain_age_days"),
    comment="One vendor's answer to whether an address takes mail.",
)

VIEWS = best_view(email_verifications)
