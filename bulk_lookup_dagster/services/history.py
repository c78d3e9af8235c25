"""A batch's shares beside those of the batches of its source published last; what checks judge.

One set-based statement per stage, over intake, enrichment and ledger: the marts may lag.
Belongs here: counting. Does not: bands (`core.drift`), expectations (`expectations.history`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from bulk_lookup_dagster.core.drift import Figure
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.runs import find_batch
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps import StepDefinition, step_named
from bulk_lookup_dagster.storage.database import connect

Connection = psycopg.Connection[Any]

REFUSED, UNKNOWN = "refused rows", "unknown outcomes"
NUMBER_TYPE, LINE_TYPE, ANSWER = "number type", "line type", "answer"

# Rows: batch, whether it is the one in question, figure, part, whole.
_LOOKED = """
    WITH this AS (
        SELECT batch_id, upload_id, source_id FROM intake.batches WHERE batch_id = %(batch)s
    ), looked AS (
        SELECT batch_id, upload_id, true AS is_this FROM this
         UNION ALL
       (SELECT b.batch_id, b.upload_id, false
          FROM intake.batches b JOIN this USING (source_id)
         WHERE b.state = 'published' AND {others}
         ORDER BY b.published_at DESC, b.batch_id DESC LIMIT %(batches)s)
    ), numbers AS ({numbers}
    ), kinds AS ({kinds}
    ), counted AS ({counted}
         UNION ALL
        SELECT batch_id, '{mix}: ' || kind, coalesce(n, 0), whole
          FROM (SELECT batch_id, sum(n)::bigint AS whole FROM kinds GROUP BY 1) w
         CROSS JOIN (SELECT DISTINCT kind FROM kinds) k
          LEFT JOIN kinds USING (batch_id, kind)
    )
    SELECT name, coalesce(max(part) FILTER (WHERE is_this), 0),
           coalesce(max(whole) FILTER (WHERE is_this), 0),
           coalesce(avg(part::float8 / nullif(whole, 0)) FILTER (WHERE NOT is_this), 0),
           count(*) FILTER (WHERE NOT is_this AND whole > 0)
      FROM counted JOIN looked USING (batch_id)
     GROUP BY name ORDER BY name
"""
_PHONES = """
        SELECT l.batch_id, c.phone_subject_id AS subject_id
          FROM looked l JOIN intake.contacts c ON c.first_batch_id = l.batch_id
         UNION
        SELECT l.batch_id, c.phone_subject_id
          FROM looked l
          JOIN intake.repeated_rows USING (batch_id)
          JOIN intake.contacts c USING (contact_id)"""
_DERIVED = """
        SELECT DISTINCT l.batch_id, s.subject_id
          FROM looked l
          JOIN intake.upload_contacts r USING (batch_id)
          JOIN intake.contact_subjects s ON s.contact_id = r.contact_id AND s.kind = %(kind)s"""
# A share of refused rows is one figure per upload, so an upload is compared with others only.
_CONTACTS = _LOOKED.format(
    others="b.upload_id <> this.upload_id",
    numbers=_PHONES,
    mix=NUMBER_TYPE,
    kinds="""
        SELECT n.batch_id, s.number_type AS kind, count(*) AS n
          FROM numbers n JOIN intake.subjects s USING (subject_id)
         WHERE s.number_type IS NOT NULL GROUP BY 1, 2""",
    counted=f"""
        SELECT l.batch_id, '{REFUSED}' AS name, coalesce(u.reject_count, 0) AS part,
               coalesce(u.row_count, 0) AS whole
          FROM looked l JOIN intake.uploads u USING (upload_id)""",
)
_ASKED = f"""
        SELECT n.batch_id, '{UNKNOWN}' AS name,
               count(*) FILTER (WHERE c.state IN ('unknown_outcome', 'written_off')) AS part,
               count(*) AS whole
          FROM numbers n JOIN ledger.claims c USING (subject_id)
         WHERE (c.provider, c.operation) IN (
               SELECT * FROM unnest(%(providers)s::text[], %(operations)s::text[]))
           AND NOT EXISTS (
               SELECT FROM ledger.claims later
                WHERE later.epoch > 0 AND later.provider = c.provider
                  AND later.operation = c.operation
                  AND later.subject_id = c.subject_id AND later.params_hash = c.params_hash
                  AND later.epoch > c.epoch)
         GROUP BY 1"""
_LOOKUPS = _LOOKED.format(
    others="b.batch_id <> this.batch_id",
    numbers=_PHONES,
    mix=LINE_TYPE,
    kinds="""
        SELECT n.batch_id, coalesce(p.line_type, 'not known') AS kind, count(*) AS n
          FROM numbers n JOIN enrichment.phone_lookups p USING (subject_id)
         WHERE p.operation = 'line_type_intelligence' AND p.outcome = 'data'
           AND (p.expires_at IS NULL OR p.expires_at > now()) GROUP BY 1, 2""",
    counted=_ASKED,
)
_STEP = """
        SELECT n.batch_id, c.provider || ' ' || c.outcome AS kind, count(*) AS n
          FROM numbers n JOIN ledger.claims c USING (subject_id)
         WHERE c.state = 'answered'
           AND (c.provider, c.operation) IN (
               SELECT * FROM unnest(%(providers)s::text[], %(operations)s::text[]))
         GROUP BY 1, 2"""


def contacts_figures(platform: Platform, partition_key: str) -> list[Figure]:
    """Refused rows of the batch's upload and the types of its numbers, beside other uploads'."""
    return _figures(platform, partition_key, _CONTACTS)


def lookup_figures(platform: Platform, partition_key: str) -> list[Figure]:
    """Unknown outcomes and line types of the batch's numbers, beside other batches'."""
    return _figures(platform, partition_key, _LOOKUPS, _asked(step_named("phone_lookups")))


def step_figures(platform: Platform, partition_key: str, step: StepDefinition) -> list[Figure]:
    """Unknown outcomes and what each provider answered in a step, beside other batches'."""
    query = _LOOKED.format(
        others="b.batch_id <> this.batch_id",
        numbers=_PHONES if step.subject_kind == "phone" else _DERIVED,
        mix=ANSWER,
        kinds=_STEP,
        counted=_ASKED,
    )
    return _figures(platform, partition_key, query, _asked(step))


def drift_blocks(platform: Platform) -> bool:
    """Whether a batch unlike the earlier ones is held back."""
    with connect(platform.dsn, autocommit=True, name="bulk-lookup check") as conn:
        return load_settings(conn).checks.history.blocks


def _asked(step: StepDefinition) -> dict[str, Any]:
    return {
        "kind": step.subject_kind,
        "providers": [offer.provider for offer in step.offers],
        "operations": [offer.operation for offer in step.offers],
    }


def _figures(
    platform: Platform, partition_key: str, query: str, asked: Mapping[str, Any] | None = None
) -> list[Figure]:
    with connect(platform.dsn, autocommit=True, name="bulk-lookup check") as conn:
        batch = find_batch(conn, partition_key)
        history = load_settings(conn).checks.history
        values = {"batch": batch.batch_id, "batches": history.batches, **(asked or {})}
        rows = conn.execute(query.encode(), values).fetchall()
    moves = {REFUSED: history.max_reject_move, UNKNOWN: history.max_unknown_move}
    return [
        Figure(
            name,
            part,
            whole,
            mean,
            batches,
            max_move=moves.get(name, history.max_type_move),
            minimum=history.minimum_batches,
        )
        for name, part, whole, mean, batches in rows
    ]
