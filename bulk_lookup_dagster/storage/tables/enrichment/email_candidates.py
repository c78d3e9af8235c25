"""Result table of the step `email_candidates`."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from bulk_lookup_dagster.storage.tables.columns import text
from bulk_lookup_dagster.storage.tables.enrichment.columns import (
    best_view,
    confidence,
    flag,
    result_table,
)

SOURCES = ("found", "inferred", "guess")

email_candidates = result_table(
    "email_candidates",
    text("email", 320),
    *confidence(),
    text("source", 20),
    text("form", 40),
    sa.Column("alternatives", ARRAY(sa.String(320))),
    text("position", 200),
    text("linkedin", 300),
    flag("accept_all"),
    text("verification", 30),
    sa.CheckConstraint(f"source IN {SOURCES}", name="source"),
    sa.CheckConstraint("(email IS NULL) = (source IS NULL)", name="labelled"),
    sa.CheckConstraint("(form IS NOT NULL) <= (source = 'guess')", name="guessed"),
    sa.CheckConstraint("cardinality(alternatives) <= 10", name="alternatives"),
    comment="One answer to which address somebody has: found somewhere, inferred by a vendor from"
    " other addresses, or a guess of ours by a form; none of them is verified by being here.",
)

VIEWS = best_view(email_candidates)
