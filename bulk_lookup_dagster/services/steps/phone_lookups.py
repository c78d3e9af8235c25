"""The step `phone_lookups`: packages of Twilio Lookup v2 about every valid number.

A package that needs inputs is asked only where the columns hold them: a reassigned-number check
needs the date the number was last verified, an identity match a last name (F38).
"""

from __future__ import annotations

from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.services.steps.definition import Offer, StepDefinition
from resources.twilio_lookup_records import OPERATIONS, PROVIDER

# Inputs come from mapped columns; the newest contact that has them speaks for the number.
_INPUTS = """
    SELECT DISTINCT ON (c.phone_subject_id) c.phone_subject_id AS subject_id,
           {columns}
      FROM intake.contacts c
     WHERE c.phone_subject_id IN (SELECT subject_id FROM subject) AND {wanted}
     ORDER BY c.phone_subject_id, {order}
"""
_REASSIGNED = _INPUTS.format(
    columns="jsonb_build_object('last_verified_date', to_char(c.last_verified_on, 'YYYYMMDD'))"
    " AS params",
    wanted="c.last_verified_on IS NOT NULL",
    order="c.last_verified_on DESC, c.contact_id",
)
_IDENTITY = _INPUTS.format(
    columns="""jsonb_strip_nulls(jsonb_build_object(
               'first_name', c.first_name, 'last_name', c.last_name,
               'address_line1', left(c.street, 100), 'city', c.city, 'state', c.state_region,
               'postal_code', c.postal_code,
               'address_country_code', CASE WHEN c.country ~ '^[A-Z]{2}$' THEN c.country END
           )) AS params""",
    wanted="c.last_name IS NOT NULL",
    order="c.contact_id DESC",
)
_WITH_INPUTS = {"reassigned_number": _REASSIGNED, "identity_match": _IDENTITY}


def _packages(settings: Settings) -> tuple[str, ...]:
    return settings.providers.twilio_lookup.packages


def eligible_without_inputs(package: str) -> bool:
    """Whether a package can be asked about any valid number; others need mapped columns (F38)."""
    return not OPERATIONS[package].required_inputs


_ELSEWHERE = ("line_status",)  # asked by a step of its own: `line_statuses`

PHONE_LOOKUPS = StepDefinition(
    name="phone_lookups",
    title="Phone number look-ups",
    subject_kind="phone",
    offers=tuple(
        Offer(PROVIDER, name, slot=name, params_sql=_WITH_INPUTS.get(name))
        for name in OPERATIONS
        if (eligible_without_inputs(name) or name in _WITH_INPUTS) and name not in _ELSEWHERE
    ),
    chosen=_packages,
    essential=True,
)
