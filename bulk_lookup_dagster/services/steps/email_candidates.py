"""The step `email_candidates`: which address a person at a company has.

Asked where no address was handed in and no profile told one, so that nobody pays for what is known.
Last comes a guess by form, labelled a guess; guesses are never verified by themselves. Clearbit's
legacy API finds people only by an address, so it cannot be asked for one.

Belongs here: who is asked, in the default order. Does not: what an answer means (`resources`).
"""

from __future__ import annotations

from bulk_lookup_dagster.services.derivations import PERSON
from bulk_lookup_dagster.services.steps.definition import Eligible, Offer, StepDefinition
from bulk_lookup_dagster.services.steps.people import MOST_EXACT, NAMED_AT_COMPANY, NOT_OBJECTED
from resources import hunter_records, local_records, pdl_records

_WITHOUT_EMAIL = f"""{NAMED_AT_COMPANY} AND {MOST_EXACT} AND c.email IS NULL AND NOT EXISTS (
    SELECT FROM enrichment.person_profiles told
     WHERE told.subject_id = s.subject_id AND told.has_work_email
) AND {NOT_OBJECTED}"""
_AT_DOMAIN = """
    SELECT subject_id, '{}'::jsonb AS params
      FROM subject JOIN intake.subjects USING (subject_id)
     WHERE split_part(value, '|', 3) <> ''
"""

EMAIL_CANDIDATES = StepDefinition(
    name="email_candidates",
    title="E-mail addresses of people",
    subject_kind="person",
    offers=(
        Offer(hunter_records.PROVIDER, "email_finder"),
        Offer(pdl_records.PROVIDER, "person_email"),
        Offer(local_records.PROVIDER, "email_guess", params_sql=_AT_DOMAIN),
    ),
    upstream=("company_profiles", "person_profiles"),
    derivation=PERSON,
    eligible=Eligible("without_email and not objected", _WITHOUT_EMAIL),
    confidence_column="confidence",
)
