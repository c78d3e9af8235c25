"""Which of several answers wins: pins set by people, and the order the settings ask in.

Belongs here: what the `_best` views read beside the result tables. Does not: the views
(`columns.best_view`).
"""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import METADATA, fk, identity, now, text

pins = sa.Table(
    "pins",
    METADATA,
    identity("pin_id"),
    fk("contact_id", "intake.contacts.contact_id", ondelete="CASCADE"),
    fk("subject_id", "intake.subjects.subject_id", ondelete="CASCADE"),
    text("step", 60),
    text("slot", 60),
    text("provider", 40),
    text("operation", 60),
    text("field", 60, nullable=False, server_default=""),
    text("value", 1000),
    text("note", 500, nullable=False, server_default=""),
    text("pinned_by", 200, nullable=False),
    now("pinned_at"),
    sa.Index(
        "pins_contact_key",
        "contact_id",
        "field",
        unique=True,
        postgresql_where=sa.text("contact_id IS NOT NULL"),
    ),
    sa.Index(
        "pins_answer_key",
        *("step", "subject_id", "slot", "field"),
        unique=True,
        postgresql_where=sa.text("step IS NOT NULL"),
    ),
    sa.CheckConstraint(
        "contact_id IS NOT NULL AND field <> '' AND"
        " num_nonnulls(subject_id, step, slot, provider, operation) = 0"
        " OR contact_id IS NULL AND value IS NULL AND"
        " num_nonnulls(subject_id, step, slot, provider, operation) = 5",
        name="about",
    ),
    schema="enrichment",
    comment="A person's decision: this value for a contact's field (null = none is right), or"
    " this provider's answer about a subject (field '' = the whole answer).",
)

waterfall_orders = sa.Table(
    "waterfall_orders",
    METADATA,
    text("step", 60, nullable=False),
    text("provider", 40, nullable=False),
    text("operation", 60, nullable=False),
    sa.Column("position", sa.SmallInteger, nullable=False),
    sa.PrimaryKeyConstraint("step", "provider", "operation"),
    sa.CheckConstraint("position > 0", name="position"),
    schema="enrichment",
    comment="In which order a step asks, as of the newest plan or run: ties of confidence go to"
    " whoever comes first.",
)
