"""Result table of the step `line_statuses`."""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import text
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, flag, result_table

line_statuses = result_table(
    "line_statuses",
    text("line_status", 30),
    sa.Column("activity_score", sa.SmallInteger),
    flag("is_cell"),
    sa.CheckConstraint("activity_score BETWEEN 0 AND 100", name="activity_score"),
    comment="One vendor's answer whether a number is in service.",
)

VIEWS = best_view(line_statuses)
