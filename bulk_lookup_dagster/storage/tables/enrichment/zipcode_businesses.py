"""Tables of the step `zipcode_businesses`: requests, pages of answers, ids that may be kept."""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import METADATA, at, fk, json, now, text
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, flag, result_table

zipcode_requests = sa.Table(
    "zipcode_requests",
    METADATA,
    sa.Column(
        "subject_id",
        sa.BigInteger,
        sa.ForeignKey("intake.subjects.subject_id", ondelete="RESTRICT"),
        primary_key=True,
    ),
    text("zipcode", 5, nullable=False),
    text("business_type", 40, nullable=False),
    text("partition_key", 60, nullable=False, unique=True),
    now("requested_at"),
    sa.CheckConstraint("zipcode ~ '^[0-9]{5}$'", name="zipcode"),
    sa.UniqueConstraint("zipcode", "business_type"),
    schema="enrichment",
    comment="A request for the businesses of a ZIP code; business_type '' is any kind.",
)

zipcode_businesses = result_table(
    "zipcode_businesses",
    sa.Column("page", sa.SmallInteger),
    text("area", 80),
    text("next_page", 2_000),
    json("businesses"),
    sa.Column("found", sa.Integer),
    sa.Column("skipped", sa.Integer),
    sa.Column("matched", sa.Integer),
    sa.Column("total", sa.Integer),
    sa.CheckConstraint("page >= 1", name="page"),
    sa.CheckConstraint("least(found, skipped, matched, total) >= 0", name="counts"),
    sa.CheckConstraint("matched <= found", name="matched"),
    comment="One page of an answer: ids, and how many were found, skipped, matched (null: could"
    " not be compared). Names, addresses and numbers are never stored.",
)

zipcode_business_ids = sa.Table(
    "zipcode_business_ids",
    METADATA,
    fk(
        "subject_id",
        "intake.subjects.subject_id",
        ondelete="CASCADE",
        nullable=False,
        index=False,
    ),
    text("provider", 40, nullable=False),
    text("business_id", 300, nullable=False),
    fk("claim_id", "ledger.claims.claim_id", ondelete="RESTRICT", nullable=False),
    fk("phone_subject_id", "intake.subjects.subject_id", ondelete="SET NULL"),
    flag("is_new"),
    at("found_at", nullable=False),
    at("checked_at", nullable=False),
    at("gone_at"),
    sa.PrimaryKeyConstraint("subject_id", "provider", "business_id"),
    sa.Index("zipcode_business_ids_business_id_idx", "business_id", "provider"),
    schema="enrichment",
    comment="A vendor's id of a business that a request found, and the number of ours it matched;"
    " when the vendor told of it last, and since when it knows the id no longer.",
)

KEPT = ("page", "found", "skipped", "matched", "total")
"""What outlives `expires_at`: counts; ids stand in `zipcode_business_ids`, without a time limit."""

_REQUESTS = """
        WITH asked AS (
            SELECT r.subject_id, c.provider, count(*) AS claims,
                   count(*) FILTER (WHERE c.state = 'answered') AS answered,
                   bool_or(c.state IN ('claimed', 'accepted')) AS open,
                   bool_or(c.state = 'unknown_outcome') AS unknown,
                   bool_or(c.state IN ('failed', 'written_off')) AS failed,
                   min(c.retry_at) FILTER (WHERE c.state = 'failed') AS retry_at,
                   (array_agg(c.error_class ORDER BY c.claim_id DESC)
                       FILTER (WHERE c.state <> 'answered' AND c.error_class IS NOT NULL))[1]
                       AS error_class,
                   coalesce(sum(c.cost_micros), 0)::bigint AS cost_micros,
                   min(c.claimed_at) AS first_asked_at, max(c.settled_at) AS last_answered_at
              FROM enrichment.zipcode_requests r JOIN ledger.claims c USING (subject_id)
             GROUP BY r.subject_id, c.provider
        ), took AS (
            SELECT c.subject_id, c.provider, count(*) AS requests,
                   sum(q.duration_ms)::bigint AS duration_ms
              FROM enrichment.zipcode_requests r JOIN ledger.claims c USING (subject_id)
              JOIN ledger.request_claims l USING (claim_id)
              JOIN ledger.requests q USING (request_id)
             GROUP BY c.subject_id, c.provider
        ), kept AS (
            SELECT subject_id, provider, count(*) AS found, count(*) FILTER (WHERE is_new) AS new,
                   count(phone_subject_id) AS matched
              FROM enrichment.zipcode_business_ids GROUP BY subject_id, provider
        ), pages AS (
            SELECT subject_id, provider, sum(skipped) AS skipped
              FROM enrichment.zipcode_businesses GROUP BY subject_id, provider
        )
        SELECT r.subject_id, r.zipcode, r.business_type, r.partition_key, r.requested_at,
               coalesce(a.provider, '') AS provider,
               CASE WHEN a.provider IS NULL THEN 'new'
                    WHEN a.open THEN 'in_progress'
                    WHEN a.unknown THEN 'unknown'
                    WHEN a.retry_at IS NOT NULL THEN 'retry'
                    WHEN a.failed AND a.answered = 0 THEN 'failed'
                    WHEN a.failed THEN 'partial'
                    ELSE 'done' END AS state,
               coalesce(k.found, 0) AS found, coalesce(k.new, 0) AS new,
               coalesce(k.matched, 0) AS matched, coalesce(p.skipped, 0)::bigint AS skipped,
               coalesce(t.requests, 0) AS requests, coalesce(a.cost_micros, 0) AS cost_micros,
               coalesce(t.duration_ms, 0) AS duration_ms, a.error_class AS error, a.retry_at,
               a.first_asked_at, a.last_answered_at
          FROM enrichment.zipcode_requests r
          LEFT JOIN asked a USING (subject_id)
          LEFT JOIN took t ON t.subject_id = r.subject_id AND t.provider = a.provider
          LEFT JOIN kept k ON k.subject_id = r.subject_id AND k.provider = a.provider
          LEFT JOIN pages p ON p.subject_id = r.subject_id AND p.provider = a.provider
    """

VIEWS = {**best_view(zipcode_businesses), "enrichment.zipcode_discovery": _REQUESTS}
