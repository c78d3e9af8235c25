"""What a reviewer looks at: pairs that wait, matches of a contact, the latest merges.

Belongs here: bounded reads by index, one statement each (F49, F60). Does not: decisions
(`services.merges`), the page (`web.review`).

People are shown whole to operators only; others see enough to recognise what they know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from bulk_lookup_dagster.matching.explanation import Reason, explain
from bulk_lookup_dagster.matching.model import Model

Connection = psycopg.Connection[Any]
PAGE = 50
LATEST = 20
SHOWN = ("name", "company", "phone", "email", "street", "city", "postal_code")

_SIDE: LiteralString = """
    jsonb_build_object('contact_id', {0}.contact_id, 'name', coalesce({0}.name,
        nullif(concat_ws(' ', {0}.first_name, {0}.last_name), '')), 'company', {0}.company,
        'phone', {0}_phone.value, 'email', {0}.email, 'street', {0}.street, 'city', {0}.city,
        'postal_code', {0}.postal_code)
"""
_PAIR: LiteralString = (
    "SELECT p.contact_a, p.contact_b, p.levels, p.score, p.verdict, p.reason, p.model_version, "
    + _SIDE.format("a") + " AS a, " + _SIDE.format("b") + " AS b, m.document, r.band"
)  # fmt: skip
_SIDES: LiteralString = """
      JOIN intake.contacts a ON a.contact_id = p.contact_a
      JOIN intake.subjects a_phone ON a_phone.subject_id = a.phone_subject_id
      JOIN intake.contacts b ON b.contact_id = p.contact_b
      JOIN intake.subjects b_phone ON b_phone.subject_id = b.phone_subject_id
      JOIN matching.model_versions m ON m.model_version = p.model_version
      LEFT JOIN LATERAL (SELECT band FROM matching.bands x
                          WHERE x.model_version = p.model_version
                          ORDER BY band DESC LIMIT 1) r ON TRUE
"""
_QUEUE: LiteralString = f"""
    WITH p AS (
        SELECT * FROM matching.waiting_pairs
         WHERE (score, contact_a, contact_b) < (%(score)s, %(a)s, %(b)s) AND score <= %(score)s
         ORDER BY score DESC, contact_a DESC, contact_b DESC LIMIT %(limit)s
    )
    {_PAIR} FROM p {_SIDES} ORDER BY p.score DESC, p.contact_a DESC, p.contact_b DESC
"""
_MATCHES: LiteralString = f"""
    WITH p AS (
        SELECT * FROM matching.pairs WHERE contact_a = %(contact)s
         UNION ALL SELECT * FROM matching.pairs WHERE contact_b = %(contact)s
         ORDER BY score DESC LIMIT %(limit)s
    )
    {_PAIR} FROM p {_SIDES} ORDER BY p.score DESC
"""
_EVENTS: LiteralString = """
    SELECT e.event_id, e.kind, e.golden_id, e.happened_at, e.actor, e.reason, e.before, e.after,
           g.name, g.company, s.value AS phone
      FROM matching.events e
      LEFT JOIN matching.golden_contacts g ON g.golden_id = e.golden_id
      LEFT JOIN intake.subjects s ON s.subject_id = g.phone_subject_id
     ORDER BY e.event_id DESC LIMIT %(limit)s
"""
_MEMBERS: LiteralString = """
    SELECT o.contact_id FROM matching.memberships m
      JOIN matching.memberships o ON o.golden_id = m.golden_id AND o.ended_at IS NULL
     WHERE m.contact_id = %s AND m.ended_at IS NULL ORDER BY o.contact_id
"""
_BANDS: LiteralString = """
    WITH decided AS (
        SELECT floor(p.score / 2) * 2 AS low, o.kind
          FROM matching.overrides o
          JOIN matching.pairs p ON p.contact_a = o.contact_a AND p.contact_b = o.contact_b
         WHERE o.revoked_at IS NULL
    )
    SELECT low, low + 2 AS high, count(*) AS decided,
           count(*) FILTER (WHERE kind = 'must_link') AS same
      FROM decided GROUP BY low ORDER BY low DESC
"""


@dataclass(frozen=True)
class Key:
    """Where the queue goes on: below this pair."""

    score: float
    a: int
    b: int


_FIRST = Key(1e6, 2**62, 2**62)


@dataclass(frozen=True)
class Pair:
    """Two contacts side by side, with the verdict and its reasons."""

    a: Mapping[str, Any]
    b: Mapping[str, Any]
    score: float
    verdict: str
    rule: str
    reasons: Sequence[Reason]

    @property
    def key(self) -> Key:
        """Its place in the queue."""
        return Key(self.score, self.a["contact_id"], self.b["contact_id"])


@dataclass(frozen=True)
class Event:
    """An entry of the merge log; `undoable` merges can be taken back as a whole."""

    event_id: int
    kind: str
    golden_id: int | None
    happened_at: datetime
    actor: str
    reason: str
    before: Mapping[str, Sequence[int]]
    after: Mapping[str, Sequence[int]]
    about: Mapping[str, Any]

    @property
    def undoable(self) -> bool:
        """Whether it united contacts."""
        return self.kind in ("merge", "move")


def read_queue(
    conn: Connection, after: Key | None = None, *, limit: int = PAGE, whole: bool = False
) -> list[Pair]:
    """Pairs that neither people nor merges decided about yet, the likeliest first.

    `whole` shows people unmasked.
    """
    start = after or _FIRST
    return _pairs(conn, _QUEUE, {**vars(start), "limit": limit}, whole)


def read_matches(conn: Connection, contact_id: int, *, whole: bool = False) -> list[Pair]:
    """Every pair of a contact that is kept, the likeliest first: merged, waiting or related."""
    return _pairs(conn, _MATCHES, {"contact": contact_id, "limit": PAGE}, whole)


def read_events(conn: Connection, *, limit: int = LATEST, whole: bool = False) -> list[Event]:
    """The merge log, newest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_EVENTS, {"limit": limit}).fetchall()
    shown = ("name", "company", "phone")
    return [
        Event(
            **{name: value for name, value in row.items() if name not in shown},
            about=_shown({name: row[name] for name in shown}, whole),
        )
        for row in rows
    ]


def read_members(conn: Connection, contact_id: int) -> list[int]:
    """Contacts of the golden contact a contact belongs to, itself included; none if unmatched."""
    rows = conn.execute(_MEMBERS, (contact_id,)).fetchall()
    return [one for (one,) in rows]


def calibration(conn: Connection) -> list[dict[str, Any]]:
    """Decisions in force per band of two bits: how many, and how many said "the same"."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_BANDS).fetchall()
    return [{**row, "precision": round(row["same"] / row["decided"], 4)} for row in rows]


def _pairs(
    conn: Connection, query: LiteralString, values: Mapping[str, Any], whole: bool
) -> list[Pair]:
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query, values).fetchall()
    models: dict[str, Model] = {}
    pairs = []
    for row in rows:
        version = row["model_version"]
        model = models.get(version) or Model.model_validate(row["document"])
        models[version] = model
        reasons = explain(model, row["band"] or 0, row["levels"], row["score"])
        a, b = _shown(row["a"], whole), _shown(row["b"], whole)
        pairs.append(Pair(a, b, row["score"], row["verdict"], row["reason"], reasons))
    return pairs


def _shown(contact: Mapping[str, Any], whole: bool) -> dict[str, Any]:
    """A contact as it may be shown."""
    if whole:
        return dict(contact)
    return {name: _MASKS.get(name, _same)(value) for name, value in contact.items()}


def _same(value: Any) -> Any:
    return value


def _initials(value: str | None) -> str | None:
    return value and " ".join(f"{word[0]}." for word in value.split())


def _mailbox(value: str | None) -> str | None:
    return value and f"{value[0]}…@{value.rpartition('@')[2]}"


def _number(value: str | None) -> str | None:
    return value and f"{value[:2]}…{value[-2:]}"


def _hidden(value: str | None) -> str | None:
    return value and "…"


_MASKS: Mapping[str, Callable[[Any], Any]] = {
    "name": _initials,
    "email": _mailbox,
    "phone": _number,
    "street": _hidden,
}
