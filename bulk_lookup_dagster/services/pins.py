"""A person's correction wins: pins on a contact's field, and on a provider's answer.

Belongs here: setting and taking back pins, with their audit. Does not: what follows from one (the
`_best` views, golden contacts), showing where a value came from (`services.provenance`).
"""

from __future__ import annotations

from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.services.steps import step_named
from bulk_lookup_dagster.storage.tables.golden import FIELDS

Connection = psycopg.Connection[Any]

_PIN_FIELD = """
    INSERT INTO enrichment.pins (contact_id, field, value, note, pinned_by)
    VALUES (%(contact)s, %(field)s, %(value)s, %(note)s, %(actor)s)
    ON CONFLICT (contact_id, field) WHERE contact_id IS NOT NULL
    DO UPDATE SET value = EXCLUDED.value, note = EXCLUDED.note, pinned_by = EXCLUDED.pinned_by,
                  pinned_at = now()
"""
_ANSWER = """
    SELECT r.subject_id, r.operation FROM enrichment.{step} r
     WHERE r.provider = %(provider)s AND r.outcome = 'data'
       AND r.subject_id IN (
           SELECT phone_subject_id FROM intake.contacts WHERE contact_id = %(contact)s
           UNION SELECT subject_id FROM intake.contact_subjects WHERE contact_id = %(contact)s)
     ORDER BY r.fetched_at DESC
"""
_PIN_ANSWER = """
    INSERT INTO enrichment.pins (subject_id, step, slot, provider, operation, note, pinned_by)
    VALUES (%(subject)s, %(step)s, %(slot)s, %(provider)s, %(operation)s, %(note)s, %(actor)s)
    ON CONFLICT (step, subject_id, slot, field) WHERE step IS NOT NULL
    DO UPDATE SET provider = EXCLUDED.provider, operation = EXCLUDED.operation,
                  note = EXCLUDED.note, pinned_by = EXCLUDED.pinned_by, pinned_at = now()
"""
_UNPIN_FIELD = "DELETE FROM enrichment.pins WHERE contact_id = %(contact)s AND field = %(field)s"
_UNPIN_ANSWER = """
    DELETE FROM enrichment.pins
     WHERE step = %(field)s AND subject_id IN (
           SELECT phone_subject_id FROM intake.contacts WHERE contact_id = %(contact)s
           UNION SELECT subject_id FROM intake.contact_subjects WHERE contact_id = %(contact)s)
"""
_AUDIT = "INSERT INTO ops.audit (actor, action, object) VALUES (%s, %s, %s)"


def pin_field(
    conn: Connection, contact_id: int, field: str, value: str | None, *, actor: str, note: str = ""
) -> None:
    """Say what a contact's field is, whatever anybody answers; None = it has no value.

    The pin follows its contact through merging and unmerging. Raises `InputError` for a field that
    cannot be pinned, a value too long for it, and a contact that is not there.
    """
    if field not in FIELDS:
        raise InputError(
            f"{field!r} cannot be pinned.", fix=f"Fields: {', '.join(FIELDS)}, or a step's name."
        )
    if value is not None and len(value) > FIELDS[field]:
        raise InputError(
            f"{field} has at most {FIELDS[field]} characters; this has {len(value)}.",
            fix="Shorten it.",
        )
    _require(conn, contact_id)
    values = {"contact": contact_id, "field": field, "value": value, "note": note, "actor": actor}
    with conn.transaction():
        conn.execute(_PIN_FIELD, values)
        conn.execute(_AUDIT, (actor, "pin", f"contact {contact_id} {field}"))


def pin_answer(
    conn: Connection, contact_id: int, step: str, provider: str, *, actor: str, note: str = ""
) -> None:
    """Let this provider's answer win a step for the contact, whatever others say.

    Raises `InputError` where the provider has no answer about it.
    """
    definition = step_named(step)
    _require(conn, contact_id)
    asked = {"contact": contact_id, "provider": provider}
    row = conn.execute(_ANSWER.format(step=definition.name), asked).fetchone()
    if row is None:
        raise InputError(
            f"{provider} has no answer for {step} about contact {contact_id}.",
            fix=f"See who has: bulk-lookup why {contact_id} FIELD.",
        )
    subject, operation = row
    slots = {offer.key: offer.slot for offer in definition.offers}
    values = {
        "subject": subject,
        "step": step,
        "slot": slots.get((provider, operation), ""),
        "provider": provider,
        "operation": operation,
        "note": note,
        "actor": actor,
    }
    with conn.transaction():
        conn.execute(_PIN_ANSWER, values)
        conn.execute(_AUDIT, (actor, "pin", f"contact {contact_id} {step}"))


def unpin(conn: Connection, contact_id: int, field: str, *, actor: str) -> int:
    """Take back the pins of a contact's field, or of a step's answers about it; how many went."""
    _require(conn, contact_id)
    values = {"contact": contact_id, "field": field}
    with conn.transaction():
        query = _UNPIN_FIELD if field in FIELDS else _UNPIN_ANSWER
        gone = conn.execute(query, values).rowcount
        if gone:
            conn.execute(_AUDIT, (actor, "unpin", f"contact {contact_id} {field}"))
    return gone


def _require(conn: Connection, contact_id: int) -> None:
    if not conn.execute("SELECT FROM intake.contacts WHERE contact_id = %s", [contact_id]).rowcount:
        raise InputError(
            f"There is no contact {contact_id}.", fix="Column contact_id of an export has it."
        )
