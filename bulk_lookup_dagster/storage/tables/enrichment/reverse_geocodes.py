"""Result table of the step `reverse_geocodes`, and what became of every point asked about."""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import text
from bulk_lookup_dagster.storage.tables.enrichment.columns import best_view, result_table

reverse_geocodes = result_table(
    "reverse_geocodes",
    sa.Column("latitude", sa.Double),
    sa.Column("longitude", sa.Double),
    text("accuracy", 20),
    text("place_id", 300),
    sa.CheckConstraint(
        "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="point"
    ),
    sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="both"),
    sa.CheckConstraint(
        "accuracy IN ('rooftop','interpolated','center','approximate')", name="accuracy"
    ),
    comment="The address at a point, by Google's place id; its text is never stored, its own point"
    " goes after 29 days, the place id stays.",
)

KEPT = ("place_id",)
"""What outlives `expires_at`: Google's terms set no limit to place ids."""

# An address of ours that Google gave the same place id is ours to show, without a time limit.
_POINTS = """
        SELECT s.subject_id, s.value AS point, c.provider,
               CASE WHEN c.claim_id IS NULL THEN 'new'
                    WHEN c.state IN ('claimed', 'accepted') THEN 'in_progress'
                    WHEN c.state = 'unknown_outcome' THEN 'unknown'
                    WHEN c.state = 'failed' AND c.retry_at IS NOT NULL THEN 'retry'
                    WHEN c.state IN ('failed', 'written_off') THEN 'failed'
                    WHEN c.outcome <> 'data' THEN 'nothing_there'
                    WHEN r.expires_at <= now() THEN 'expired'
                    ELSE 'found' END AS state,
               CASE WHEN r.expires_at > now() THEN r.latitude END AS latitude,
               CASE WHEN r.expires_at > now() THEN r.longitude END AS longitude,
               CASE WHEN r.expires_at > now() THEN r.accuracy END AS accuracy,
               r.place_id, o.subject_id AS address_subject_id, o.value AS address,
               c.cost_micros, c.error_class AS error, c.retry_at, r.fetched_at, r.expires_at
          FROM intake.subjects s
          LEFT JOIN LATERAL (
               SELECT * FROM ledger.claims l
                WHERE l.subject_id = s.subject_id AND l.operation = 'reverse_geocode'
                ORDER BY l.epoch DESC, l.claim_id DESC LIMIT 1) c ON true
          LEFT JOIN enrichment.reverse_geocodes r
            ON r.subject_id = s.subject_id AND r.provider = c.provider
               AND r.operation = c.operation AND r.params_hash = c.params_hash
          LEFT JOIN LATERAL (
               SELECT a.subject_id, a.value FROM enrichment.geocodes g
                 JOIN intake.subjects a ON a.subject_id = g.subject_id
                WHERE g.place_id = r.place_id AND g.provider = r.provider AND a.value IS NOT NULL
                ORDER BY g.fetched_at DESC, g.subject_id LIMIT 1) o ON true
         WHERE s.kind = 'point' AND s.value IS NOT NULL
    """

VIEWS = {**best_view(reverse_geocodes), "enrichment.points": _POINTS}
