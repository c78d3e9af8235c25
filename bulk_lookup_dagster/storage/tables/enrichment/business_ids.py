"""Result table of the step `business_ids`, and which ids gave way to which."""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import METADATA, at, text
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, result_table

business_ids = result_table(
    "business_ids",
    text("current_id", 300),
    comment="What a vendor says of an id it gave us: the id it goes by now; none where it is gone.",
)

business_id_changes = sa.Table(
    "business_id_changes",
    METADATA,
    sa.Column(
        "claim_id",
        sa.BigInteger,
        sa.ForeignKey("ledger.claims.claim_id", ondelete="RESTRICT"),
        primary_key=True,
    ),
    text("provider", 40, nullable=False),
    text("old_id", 300, nullable=False),
    text("new_id", 300, nullable=False),
    at("changed_at", nullable=False),
    sa.Index("business_id_changes_old_id_idx", "old_id", "provider"),
    sa.CheckConstraint("old_id <> new_id", name="ids"),
    schema="enrichment",
    comment="An id of a business that its vendor replaced: what it was, what it is since.",
)

VIEWS = best_view(business_ids)
