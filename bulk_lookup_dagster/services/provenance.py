"""Where a contact's value came from, what else was known, and why this one won.

Belongs here: reading every origin of one field and naming the winner. Does not: choosing it (the
`_best` views, `matching.golden_sql`), a person's corrections (`services.pins`).

Order of the rule: pin, confidence, the step's order, newest; expired values never win.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row, dict_row

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.services.steps import STEPS, StepDefinition
from bulk_lookup_dagster.storage.tables.columns import METADATA
from bulk_lookup_dagster.storage.tables.enrichment.columns import result_columns
from bulk_lookup_dagster.storage.tables.golden import BLOCKS
from bulk_lookup_dagster.storage.tables.golden import FIELDS as GOLDEN_FIELDS

Connection = psycopg.Connection[Any]

FILE = "file"
_SHARED = {column.name for column in result_columns() if hasattr(column, "name")}
_BLOCK_OF = {field: block for block, fields in BLOCKS.items() for field in fields}
HANDED_IN = (*GOLDEN_FIELDS, "raw_phone", "last_verified_on")
"""Fields that a file may say."""

_CONTACT = sql.SQL("""
    SELECT c.{column}::text AS value, u.file_name, u.upload_id, c.first_row_number AS row_number,
           c.created_at
      FROM intake.contacts c
      JOIN intake.batches b ON b.batch_id = c.first_batch_id
      JOIN intake.uploads u ON u.upload_id = b.upload_id
     WHERE c.contact_id = %(contact)s
""")
_ANSWERS = sql.SQL("""
    WITH about AS (
        SELECT phone_subject_id AS subject_id FROM intake.contacts WHERE contact_id = %(contact)s
        UNION
        SELECT subject_id FROM intake.contact_subjects WHERE contact_id = %(contact)s
    )
    SELECT %(step)s::text AS step, r.provider AS origin, r.operation, r.{column}::text AS value,
           r.outcome, r.claim_id, k.cost_micros AS paid_micros, r.fetched_at, r.expires_at,
           {confidence} AS confidence, r.licence_class, o.position, p.pinned_by,
           EXISTS (SELECT FROM {best} b WHERE b.claim_id = r.claim_id) AS won
      FROM about
      JOIN {table} r USING (subject_id)
      JOIN ledger.claims k ON k.claim_id = r.claim_id
      LEFT JOIN enrichment.waterfall_orders o ON o.step = %(step)s
           AND o.provider = r.provider AND o.operation = r.operation
      LEFT JOIN enrichment.pins p ON p.step = %(step)s AND p.subject_id = r.subject_id
           AND p.provider = r.provider AND p.operation = r.operation AND p.field = ''
     WHERE r.{column} IS NOT NULL OR r.outcome <> 'data' AND {one_slot}
        OR r.expires_at <= now() AND {one_slot}
     ORDER BY won DESC, r.fetched_at DESC
""")
_PIN = """
    SELECT value, pinned_by, pinned_at, note FROM enrichment.pins
     WHERE contact_id = %s AND field = %s
"""
_GOLDEN = sql.SQL("""
    SELECT g.golden_id, g.{column}::text AS value, g.{rule} AS rule, g.{origin} AS contact_id,
           %(field)s = ANY (coalesce(g.pinned, '{{}}')) AS pinned
      FROM matching.memberships m JOIN matching.golden_contacts g ON g.golden_id = m.golden_id
     WHERE m.contact_id = %(contact)s AND m.ended_at IS NULL
""")


@dataclass(frozen=True, slots=True)
class Known:
    """One value known of a field, or the answer that there is none.

    `origin` is a provider, `file` or `pin`; `paid_micros` what its claim cost (the claim may have
    answered other fields as well); `why` says in words why it won or did not.
    """

    origin: str
    value: str | None
    won: bool
    step: str = ""
    operation: str = ""
    outcome: str = "data"
    claim_id: int | None = None
    paid_micros: int | None = None
    fetched_at: datetime | None = None
    expires_at: datetime | None = None
    confidence: float | None = None
    licence_class: str = ""
    position: int | None = None
    pinned_by: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Golden:
    """What the golden contact of the contact says, from whom, by which rule of survivorship."""

    golden_id: int
    value: str | None
    rule: str | None
    contact_id: int | None
    pinned: bool


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything known of one field of one contact, winners first."""

    contact_id: int
    field: str
    known: tuple[Known, ...]
    golden: Golden | None


def why(conn: Connection, contact_id: int, field: str) -> Provenance:
    """All that is known of `field` (`name`, `line_type`, or `STEP.COLUMN`) of a contact.

    Raises `InputError` where there is no such contact or field.
    """
    steps = steps_with(field)
    column = field.rpartition(".")[2]
    handed_in = "." not in field and column in HANDED_IN
    if not steps and not handed_in:
        raise InputError(
            f"Nothing has a field {field!r}.", fix=f"Fields: {', '.join(sorted(field_names()))}."
        )
    if not conn.execute("SELECT FROM intake.contacts WHERE contact_id = %s", [contact_id]).rowcount:
        raise InputError(
            f"There is no contact {contact_id}.", fix="Column contact_id of an export has it."
        )
    answers = [one for step in steps for one in _answers(conn, contact_id, step, column)]
    known = [*_pinned(conn, contact_id, column), *_explained(answers)]
    if handed_in:
        known += _from_file(conn, contact_id, column, pinned=any(k.origin == "pin" for k in known))
    return Provenance(contact_id, field, tuple(known), _golden(conn, contact_id, column))


def field_names() -> set[str]:
    """Every field a contact can have a value of."""
    return {*HANDED_IN, *(name for step in STEPS for name in value_columns(step))}


def value_columns(step: StepDefinition) -> list[str]:
    """Columns of a step's table that hold answers."""
    return [column.name for column in METADATA.tables[step.table].columns
            if column.name not in _SHARED]  # fmt: skip


def steps_with(field: str) -> list[StepDefinition]:
    """The steps whose answers have such a column; `STEP.COLUMN` names one."""
    wanted, _, column = field.rpartition(".")
    return [step for step in STEPS if column in value_columns(step) and wanted in ("", step.name)]


def _answers(conn: Connection, contact_id: int, step: StepDefinition, column: str) -> list[Known]:
    table = METADATA.tables[step.table]
    one_slot = len({offer.slot for offer in step.offers}) == 1
    query = _ANSWERS.format(
        column=sql.Identifier(column),
        table=sql.Identifier(*step.table.split(".")),
        best=sql.Identifier("enrichment", f"{step.name}_best"),
        confidence=sql.SQL("r.confidence" if "confidence" in table.columns else "NULL"),
        one_slot=sql.SQL("TRUE" if one_slot else "FALSE"),
    )
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query, {"contact": contact_id, "step": step.name}).fetchall()
    return [Known(**row) for row in rows]


def _explained(answers: Sequence[Known]) -> list[Known]:
    best = {one.step: one for one in reversed(answers) if one.won}
    return [replace(one, why=_reason(one, best.get(one.step), answers)) for one in answers]


def _reason(one: Known, best: Known | None, answers: Sequence[Known]) -> str:
    if one.outcome == "objected":
        return f"the person objected at {one.origin}: nobody else is asked"
    if one.outcome != "data":
        return f"{one.origin} was asked and has nothing"
    if one.value is None:
        return "its time is over: the value was removed, what it cost is known"
    if not one.won:
        return _lost(one, best)
    if one.pinned_by:
        return f"pinned by {one.pinned_by}"
    others = [
        other for other in answers
        if other is not one and other.step == one.step and other.value and not other.won
    ]  # fmt: skip
    if not others:
        return "the only answer with a value"
    return f"won against {', '.join(other.origin for other in others)}: {_edge(one, others[0])}"


def _lost(one: Known, best: Known | None) -> str:
    if best is None:
        return "its time is over"
    return f"lost against {best.origin}: {_edge(best, one)}"


def _edge(best: Known, other: Known) -> str:
    """By what the better of two answers is better."""
    if best.pinned_by:
        return f"pinned by {best.pinned_by}"
    if best.confidence is not None and (
        other.confidence is None or best.confidence > other.confidence
    ):
        return f"more certain ({best.confidence:g} against {_number(other.confidence)})"
    if best.position is not None and (other.position or 32767) > best.position:
        return "earlier in the step's order"
    return "newer"


def _number(value: float | None) -> str:
    return "nothing" if value is None else f"{value:g}"


def _pinned(conn: Connection, contact_id: int, field: str) -> list[Known]:
    row = conn.execute(_PIN, [contact_id, field]).fetchone()
    if row is None:
        return []
    value, by, at, note = row
    because = f"pinned by {by}" + (f": {note}" if note else "")
    return [Known("pin", value, won=True, pinned_by=by, fetched_at=at, why=because)]


def _from_file(conn: Connection, contact_id: int, column: str, *, pinned: bool) -> list[Known]:
    query = _CONTACT.format(column=sql.Identifier(column))
    value, name, upload, row, at = conn.execute(query, {"contact": contact_id}).fetchall()[0]
    if value is None:
        return []
    because = f"row {row} of {name} (upload {upload})"
    return [Known(FILE, value, won=not pinned, fetched_at=at, why=because)]


def _golden(conn: Connection, contact_id: int, field: str) -> Golden | None:
    block = _BLOCK_OF.get(field)
    if block is None or field not in GOLDEN_FIELDS:
        return None
    query = _GOLDEN.format(
        column=sql.Identifier(field),
        rule=sql.Identifier(f"{block}_rule"),
        origin=sql.Identifier(f"{block}_contact_id"),
    )
    with conn.cursor(row_factory=class_row(Golden)) as cursor:
        return cursor.execute(query, {"contact": contact_id, "field": field}).fetchone()
