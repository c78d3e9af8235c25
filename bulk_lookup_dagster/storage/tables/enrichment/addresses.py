"""Result table of the step `addresses`, the one address of every contact, how sure each is."""

from __future__ import annotations

import sqlalchemy as sa

from bulk_lookup_dagster.storage.tables.columns import text
from bulk_lookup_dagster.storage.tables.enrichment.columns import (
    best_view,
    confidence,
    result_table,
)

addresses = result_table(
    "addresses",
    text("deliverability", 20),
    text("kind", 20),
    text("granularity", 40),
    *confidence(),
    sa.CheckConstraint(
        "deliverability IN ('deliverable','unit_not_confirmed','unit_missing','undeliverable',"
        "'unknown')",
        name="deliverability",
    ),
    sa.CheckConstraint("kind IN ('residential','commercial','po_box')", name="kind"),
    comment="One vendor's verdict on an address: is mail delivered there, do people live there.",
)

# Where an address comes from, and how sure that alone makes it, on our scale of 0 to 100.
_ORIGINS = """(VALUES ('given', 1, 80), ('reverse_phone', 2, 70), ('company_profile', 3, 60))
               AS o (role, place, confidence)"""
# An owner's address is not spoken of any longer than what told it may be kept.
_STILL_TOLD = """(l.role <> 'reverse_phone' OR EXISTS (
                SELECT FROM enrichment.reverse_phones r
                 WHERE r.claim_id = l.origin_claim_id
                   AND (r.expires_at IS NULL OR r.expires_at > now())))"""
_CONTACT_ADDRESSES = f"""
        SELECT DISTINCT ON (l.contact_id)
               l.contact_id, l.subject_id, l.role AS source, l.origin_claim_id,
               split_part(s.value, '|', 1) AS street, split_part(s.value, '|', 2) AS unit,
               split_part(s.value, '|', 3) AS city, split_part(s.value, '|', 4) AS state_region,
               split_part(s.value, '|', 5) AS postal_code, split_part(s.value, '|', 6) AS country,
               coalesce(a.kind, CASE WHEN s.value LIKE 'po box %' THEN 'po_box'
                                     WHEN l.role = 'company_profile' THEN 'commercial' END) AS kind,
               coalesce(a.deliverability, 'unknown') AS deliverability,
               coalesce(a.confidence, o.confidence)::smallint AS confidence
          FROM intake.contact_subjects l
          JOIN intake.subjects s ON s.subject_id = l.subject_id
          JOIN {_ORIGINS} ON o.role = l.role
          LEFT JOIN enrichment.addresses_best a ON a.subject_id = l.subject_id
         WHERE l.kind = 'address' AND s.value IS NOT NULL AND {_STILL_TOLD}
         ORDER BY l.contact_id, a.deliverability IS NOT DISTINCT FROM 'undeliverable', o.place,
                  coalesce(a.confidence, o.confidence) DESC, l.subject_id
    """
# A verdict that ran out leaves nothing known: what it kept from being bought stays unbought.
_CONFIDENCES = f"""
        SELECT s.subject_id,
               CASE WHEN a.subject_id IS NULL AND EXISTS (
                         SELECT FROM enrichment.addresses past
                          WHERE past.subject_id = s.subject_id AND past.outcome = 'data'
                            AND past.expires_at <= now()) THEN NULL
                    ELSE coalesce(a.confidence, t.confidence) END::smallint AS confidence
          FROM intake.subjects s
          LEFT JOIN enrichment.addresses_best a ON a.subject_id = s.subject_id
          LEFT JOIN LATERAL (
               SELECT max(o.confidence) AS confidence
                 FROM intake.contact_subjects l JOIN {_ORIGINS} ON o.role = l.role
                WHERE l.subject_id = s.subject_id AND l.kind = 'address'
                  AND {_STILL_TOLD}) t ON true
         WHERE s.kind = 'address'
    """

VIEWS = {
    **best_view(addresses),
    "enrichment.contact_addresses": _CONTACT_ADDRESSES,
    "enrichment.address_confidences": _CONFIDENCES,
}
