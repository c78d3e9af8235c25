"""The step `company_profiles`: what a company is, by its domain, or by its name and postal code.

Clearbit and Hunter know a company by its domain alone, so they are asked only where there is one.
Last comes the name a business's phone shows to whom it calls: a name and nothing else, from a
look-up that was paid for already.

Belongs here: who is asked, in the default order. Does not: what an answer means (`resources`).
"""

from __future__ import annotations

from bulk_lookup_dagster.services.derivations import COMPANY
from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources import clearbit_records, hunter_records, local_records, pdl_records

# Companies known by name and place have a text that begins with the parts' bar.
_BY_DOMAIN = """
    SELECT subject_id, '{}'::jsonb AS params
      FROM subject JOIN intake.subjects USING (subject_id)
     WHERE value NOT LIKE '|%%'
"""
_CALLER_NAME = f"""
    SELECT DISTINCT ON (l.subject_id) l.subject_id,
           jsonb_build_object('caller_name', p.caller_name) AS params
      FROM intake.contact_subjects l
      JOIN intake.contacts c USING (contact_id)
      JOIN enrichment.phone_lookups p
        ON p.subject_id = c.phone_subject_id AND p.operation = 'caller_name'
     WHERE l.kind = 'company' AND l.subject_id IN (SELECT subject_id FROM subject)
       AND p.outcome = 'data' AND p.caller_type = 'BUSINESS' AND p.caller_name <> ''
       AND p.fetched_at > now() - interval '{local_records.CALLER_NAME_AGE.days} days'
     ORDER BY l.subject_id, p.fetched_at DESC, c.contact_id
"""

COMPANY_PROFILES = StepDefinition(
    name="company_profiles",
    title="Profiles of companies",
    subject_kind="company",
    offers=(
        Offer(clearbit_records.PROVIDER, "company", params_sql=_BY_DOMAIN),
        Offer(hunter_records.PROVIDER, "companies", params_sql=_BY_DOMAIN),
        Offer(pdl_records.PROVIDER, "company"),
        Offer(local_records.PROVIDER, "caller_name", params_sql=_CALLER_NAME),
    ),
    upstream=("phone_lookups",),
    derivation=COMPANY,
    confidence_column="likelihood",
)
