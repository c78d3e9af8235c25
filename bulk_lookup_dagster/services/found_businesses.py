"""Ids of businesses that requests found: kept without a time limit, told apart as new or known.

Belongs here: from pages of answers to ids. Does not: asking (`services.discovery`), what an answer
leaves (`resources.businesses`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

_KEEP = """
    WITH listed AS (
        SELECT DISTINCT ON (z.subject_id, z.provider, b ->> 'id')
               z.subject_id, z.provider, b ->> 'id' AS business_id, z.claim_id, z.fetched_at,
               (b ->> 'phone_subject_id')::bigint AS phone_subject_id
          FROM enrichment.zipcode_businesses z
         CROSS JOIN LATERAL jsonb_array_elements(z.businesses) b
         WHERE z.subject_id = ANY (%(subjects)s)
           -- A stored page may be older than what its vendor made of an id since.
           AND NOT EXISTS (SELECT FROM enrichment.business_id_changes h
                            WHERE h.provider = z.provider AND h.old_id = b ->> 'id'
                              AND h.changed_at >= z.fetched_at)
         ORDER BY z.subject_id, z.provider, b ->> 'id', z.fetched_at
    )
    INSERT INTO enrichment.zipcode_business_ids AS k
           (subject_id, provider, business_id, claim_id, phone_subject_id, is_new, found_at,
            checked_at)
    SELECT l.subject_id, l.provider, l.business_id, l.claim_id, p.subject_id,
           row_number() OVER (PARTITION BY l.provider, l.business_id
                              ORDER BY l.fetched_at, l.subject_id) = 1
               AND NOT EXISTS (SELECT FROM enrichment.zipcode_business_ids e
                                WHERE e.provider = l.provider AND e.business_id = l.business_id),
           l.fetched_at, l.fetched_at
      FROM listed l LEFT JOIN intake.subjects p ON p.subject_id = l.phone_subject_id
    ON CONFLICT (subject_id, provider, business_id) DO UPDATE
       SET claim_id = EXCLUDED.claim_id, phone_subject_id = EXCLUDED.phone_subject_id,
           found_at = EXCLUDED.found_at, checked_at = greatest(k.checked_at, EXCLUDED.found_at),
           gone_at = CASE WHEN EXCLUDED.found_at <= k.checked_at THEN k.gone_at END
     WHERE EXCLUDED.found_at > k.found_at
"""
_DIRTY = "INSERT INTO ops.mart_dirty (reason) VALUES ('businesses found')"


def keep_businesses(conn: psycopg.Connection[Any], subject_ids: Sequence[int]) -> int:
    """Keep the ids that these requests' answers hold; how many were kept or found again.

    Safe to repeat: an id is new in the first request that found it, and only there.
    """
    if not subject_ids:
        return 0
    with conn.transaction():
        kept = conn.execute(_KEEP, {"subjects": list(subject_ids)}).rowcount
        if kept:
            conn.execute(_DIRTY)
    return kept
