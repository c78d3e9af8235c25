"""What every result table has: its key, the origin of its values, their expiry.

Belongs here: shared columns and the view that picks a step's winner. Does not: columns of one step.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import METADATA, at, fk, hash_bytes, text

OUTCOMES = ("data", "no_data", "invalid_subject", "objected")

_BEST = """
        SELECT DISTINCT ON (r.subject_id{slot}) r.*
          FROM {table} r
          LEFT JOIN enrichment.pins p
            ON p.step = '{step}' AND p.subject_id = r.subject_id AND p.provider = r.provider
               AND p.operation = r.operation AND p.field = ''
         WHERE r.outcome = 'data' AND (r.expires_at IS NULL OR r.expires_at > now())
         ORDER BY r.subject_id{slot}, p.pin_id IS NULL{confidence},
               coalesce((SELECT o.position FROM enrichment.waterfall_orders o
                          WHERE o.step = '{step}' AND o.provider = r.provider
                            AND o.operation = r.operation), 32767),
               r.fetched_at DESC, r.provider, r.operation, r.params_hash
    """


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


def flag(name: str) -> sa.Column[Any]:
    """Yes, no, or not known."""
    return sa.Column(name, sa.Boolean)


def confidence() -> list[sa.schema.SchemaItem]:
    """How sure the vendor is, 0 to 100; empty where it does not tell."""
    return [
        sa.Column("confidence", sa.SmallInteger),
        sa.CheckConstraint("confidence BETWEEN 0 AND 100", name="confidence"),
    ]


def result_table(step: str, *columns: sa.schema.SchemaItem, comment: str) -> sa.Table:
    """The table of a step; its name is the step's."""
    return sa.Table(
        step, METADATA, *result_columns(), *columns, schema="enrichment", comment=comment
    )


def best_view(table: sa.Table, *, per_operation: bool = False) -> dict[str, str]:
    """The view `NAME_best`: one unexpired value per subject; pin, then confidence, then order.

    `per_operation`: operations fill different columns (slots of their own), so each has a winner.
    """
    sure = ", r.confidence DESC NULLS LAST" if "confidence" in table.columns else ""
    query = _BEST.format(
        table=table.fullname,
        step=table.name,
        slot=", r.operation" if per_operation else "",
        confidence=sure,
    )
    return {f"{table.fullname}_best": query}
