"""Result table of the step `deactivations`, and which of our numbers stand in its files."""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import METADATA, at, fk, now
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, result_table

deactivations = result_table(
    "deactivations",
    sa.Column("day", sa.Date),
    sa.Column("numbers", sa.Integer),
    sa.CheckConstraint("numbers >= 0", name="numbers"),
    comment="The file of one day: how many numbers carriers in the US took out of service.",
)

deactivated_numbers = sa.Table(
    "deactivated_numbers",
    METADATA,
    fk(
        "subject_id",
        "intake.subjects.subject_id",
        ondelete="CASCADE",
        nullable=False,
        index=False,
    ),
    sa.Column("day", sa.Date, nullable=False),
    fk("claim_id", "ledger.claims.claim_id", ondelete="RESTRICT", nullable=False),
    at("expires_at", index=True),
    now("marked_at"),
    sa.PrimaryKeyConstraint("subject_id", "day"),
    schema="enrichment",
    comment="A number of ours that stands in the file of a day: it died, or its owner left it.",
)

VIEWS = best_view(deactivations)
