"""The step `email_verifications`: whether an address takes mail, given or found.

ZeroBounce takes a hundred addresses a request; Hunter is asked where it could not tell.

Belongs here: who is asked, in the default order. Does not: what an answer means (`resources`).
"""

from __future__ import annotations

from bulk_lookup_dagster.services.derivations import EMAIL
from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources import hunter_records, zerobounce_records

EMAIL_VERIFICATIONS = StepDefinition(
    name="email_verifications",
    title="Verifications of e-mail addresses",
    subject_kind="email",
    offers=(
        Offer(zerobounce_records.PROVIDER, "validate"),
        Offer(hunter_records.PROVIDER, "email_verifier"),
    ),
    upstream=("person_profiles", "email_candidates"),
    derivation=EMAIL,
    expected_share=0.3,
)
