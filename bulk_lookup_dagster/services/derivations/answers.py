"""Subjects that answers lead to: people at the domain a profile told, mail boxes, street addresses.

Guesses lead nowhere: a guessed address is not verified and not written to. Street addresses of a
number's owner or of a company are looked at only where none was handed in.

Belongs here: reading the steps' answers. Does not: what was handed in (`contacts`), canonical forms
(`core.subjects`).
"""

from __future__ import annotations

from bulk_lookup_dagster.core.subjects import PersonKey, company_domain, email_of
from bulk_lookup_dagster.services.derivations.contacts import address_key, both_names
from bulk_lookup_dagster.services.derivations.derivation import Source

FOUND = "found"
PROFILE = "profile"
REVERSE_PHONE, COMPANY_PROFILE = "reverse_phone", "company_profile"
_ADDRESS = "r.street, r.city, r.state_region, r.postal_code, r.country"

_LINKED = """
    SELECT c.contact_id, r.claim_id AS origin_claim_id, {columns}
      FROM scoped
      JOIN intake.contacts c USING (contact_id)
      JOIN intake.contact_subjects l ON l.contact_id = c.contact_id AND l.kind = '{kind}'
      JOIN enrichment.{step} r ON r.subject_id = l.subject_id
     WHERE c.erased_at IS NULL AND r.outcome = 'data'
       AND (r.expires_at IS NULL OR r.expires_at > now()) AND {wanted}
"""


def person_at(
    first: str | None, last: str | None, name: str | None, domain: str | None
) -> str | None:
    """A person at the domain of their company; None where a name or a domain of its own lacks."""
    host, names = company_domain(domain), both_names(first, last, name)
    return None if host is None or names is None else PersonKey(*names, host).value


PERSON_AT_DOMAIN = Source(
    PROFILE,
    _LINKED.format(
        columns="c.first_name, c.last_name, c.name, r.email_domain",
        kind="company",
        step="company_profiles",
        wanted="r.email_domain IS NOT NULL AND c.website IS NULL AND c.email IS NULL",
    ),
    person_at,
    reads="company_profiles",
)
EMAIL_OF_PROFILE = Source(
    PROFILE,
    _LINKED.format(
        columns="r.work_email",
        kind="person",
        step="person_profiles",
        wanted="r.work_email IS NOT NULL",
    ),
    email_of,
    reads="person_profiles",
)
EMAIL_FOUND = Source(
    FOUND,
    _LINKED.format(
        columns="r.email",
        kind="person",
        step="email_candidates",
        wanted="r.email IS NOT NULL AND r.source <> 'guess'",
    ),
    email_of,
    reads="email_candidates",
)
ADDRESS_OF_OWNER = Source(
    REVERSE_PHONE,
    f"""
    SELECT c.contact_id, r.claim_id AS origin_claim_id, {_ADDRESS}
      FROM scoped
      JOIN intake.contacts c USING (contact_id)
      JOIN enrichment.reverse_phones r ON r.subject_id = c.phone_subject_id
     WHERE c.erased_at IS NULL AND c.street IS NULL AND r.street IS NOT NULL
       AND r.outcome = 'data' AND (r.expires_at IS NULL OR r.expires_at > now())
    """,
    address_key,
    reads="reverse_phones",
)
ADDRESS_OF_COMPANY = Source(
    COMPANY_PROFILE,
    _LINKED.format(
        columns=_ADDRESS,
        kind="company",
        step="company_profiles",
        wanted="c.street IS NULL AND r.street IS NOT NULL",
    ),
    address_key,
    reads="company_profiles",
)
