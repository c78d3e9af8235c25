"""The step `person_profiles`: who somebody is at work, by name and company or by an e-mail.

Hunter and Clearbit know people by an address that was handed in; of somebody known by an address
alone Clearbit tells person and company together. People Data Labs takes a name and a company too.

Belongs here: who is asked, in the default order. Does not: what an answer means (`resources`).
"""

from __future__ import annotations

from bulk_lookup_dagster.services.derivations import PERSON
from bulk_lookup_dagster.services.steps.definition import Eligible, Offer, StepDefinition
from bulk_lookup_dagster.services.steps.people import GIVEN_EMAIL, MOST_EXACT, NOT_OBJECTED
from resources import clearbit_records, hunter_records, pdl_records

_BY_EMAIL_ALONE = """
    SELECT subject_id, '{}'::jsonb AS params
      FROM subject JOIN intake.subjects USING (subject_id)
     WHERE value LIKE '||||%%'
"""
_NAMED = f"""
    SELECT given.subject_id, given.params
      FROM ({GIVEN_EMAIL}) given JOIN intake.subjects USING (subject_id)
     WHERE value NOT LIKE '||||%%'
"""

PERSON_PROFILES = StepDefinition(
    name="person_profiles",
    title="Profiles of people",
    subject_kind="person",
    offers=(
        Offer(hunter_records.PROVIDER, "people", params_sql=GIVEN_EMAIL),
        Offer(pdl_records.PROVIDER, "person"),
        Offer(clearbit_records.PROVIDER, "person", params_sql=_NAMED),
        Offer(clearbit_records.PROVIDER, "combined", params_sql=_BY_EMAIL_ALONE),
    ),
    upstream=("company_profiles",),
    derivation=PERSON,
    eligible=Eligible("most_exact and not objected", f"{MOST_EXACT} AND {NOT_OBJECTED}"),
    confidence_column="likelihood",
)
