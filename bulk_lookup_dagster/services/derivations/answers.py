"""Subjects that answers lead to: addresses of the owners of numbers.

An answer that ran out leads nowhere any more. Belongs here: reading result tables. Does not:
reading contact columns (`contacts`), canonical forms (`core`).
"""

from __future__ import annotations

from bulk_lookup_dagster.services.derivations.contacts import address_key
from bulk_lookup_dagster.services.derivations.derivation import Source

_OWNERS = """
    SELECT c.contact_id, r.claim_id, r.street, r.city, r.state_region, r.postal_code, r.country
      FROM scoped JOIN intake.contacts c USING (contact_id)
      JOIN enrichment.reverse_phones_best r ON r.subject_id = c.phone_subject_id
     WHERE c.erased_at IS NULL AND r.street IS NOT NULL
"""

ADDRESS_OF_OWNER = Source("reverse_phone", _OWNERS, address_key, reads="reverse_phones")
