"""The platform's steps as the engine takes them: which questions, about which subjects.

Belongs here: one function per step and the scopes it can run over. Does not: what is due (see
`engine.due`), providers (see `services.providers`).
"""

from __future__ import annotations

from collections.abc import Sequence

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.engine.step import Scope, Step
from resources.twilio_lookup_records import OPERATIONS, PROVIDER

PHONE_LOOKUPS = "phone_lookups"

_SUBJECTS = {
    "batch": """
        SELECT DISTINCT c.phone_subject_id AS subject_id
          FROM intake.upload_contacts r JOIN intake.contacts c USING (contact_id)
         WHERE r.batch_id = %(batch_id)s""",
    "upload": """
        SELECT DISTINCT c.phone_subject_id AS subject_id
          FROM intake.upload_contacts r JOIN intake.contacts c USING (contact_id)
         WHERE r.upload_id = %(upload_id)s""",
    "uploads": """
        SELECT DISTINCT c.phone_subject_id AS subject_id
          FROM intake.upload_contacts r JOIN intake.contacts c USING (contact_id)
         WHERE r.upload_id = ANY (%(upload_ids)s)""",
}

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
_NO_INPUTS = "SELECT subject_id, '{}'::jsonb AS params FROM subject"
_WITH_INPUTS = {"reassigned_number": _REASSIGNED, "identity_match": _IDENTITY}

_QUESTIONS = """
    WITH subject AS ({subjects}),
    asked AS ({asked})
    SELECT s.subject_id, s.value, s.region, '{provider}'::text AS provider, a.operation,
           a.params,
           CASE WHEN a.params = '{{}}' THEN ''::bytea
                ELSE decode(md5(a.params::text), 'hex') END AS params_hash
      FROM asked a JOIN intake.subjects s USING (subject_id)
     WHERE s.kind = 'phone'
"""


def eligible_without_inputs(package: str) -> bool:
    """Whether a package can be asked about any valid number; others need mapped columns (F38)."""
    return not OPERATIONS[package].required_inputs


def phone_lookups_step(packages: Sequence[str], scope_kind: str) -> Step:
    """The look-up of phone numbers: `packages` of Twilio Lookup for every number of the scope.

    A package that needs inputs is asked only where the columns hold them: a reassigned-number
    check needs the date the number was last verified, an identity match a last name.
    """
    unknown = [name for name in packages if name not in OPERATIONS]
    if unknown or scope_kind not in _SUBJECTS:
        raise InputError(
            f"There is no package {', '.join(unknown)}." if unknown else "There is no such scope.",
            fix=f"Packages: {', '.join(OPERATIONS)}.",
        )
    missing = [
        name for name in packages if not (eligible_without_inputs(name) or _has_inputs(name))
    ]
    if missing:
        raise InputError(
            f"No column gives the inputs of {', '.join(missing)}.", fix="Leave the package out."
        )
    asked = " UNION ALL ".join(
        f"SELECT subject_id, '{name}'::text AS operation, params"
        f" FROM ({_WITH_INPUTS.get(name, _NO_INPUTS)}) inputs_{name}"
        for name in packages
    )
    questions = _QUESTIONS.format(subjects=_SUBJECTS[scope_kind], asked=asked, provider=PROVIDER)
    return Step(PHONE_LOOKUPS, "phone", "enrichment.phone_lookups", questions)


def _has_inputs(package: str) -> bool:
    return package in _WITH_INPUTS


def batch_scope(batch_id: int) -> Scope:
    """One batch of an upload."""
    return Scope("batch", {"batch_id": batch_id})


def upload_scope(upload_id: int) -> Scope:
    """A whole upload."""
    return Scope("upload", {"upload_id": upload_id})


def uploads_scope(upload_ids: Sequence[int]) -> Scope:
    """Several uploads."""
    return Scope("uploads", {"upload_ids": list(upload_ids)})
