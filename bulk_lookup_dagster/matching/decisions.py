"""Statements by which a person's decision changes who belongs together.

Belongs here: SQL over memberships, overrides, events and golden ids, a few rows at a time and by
index. Does not: what is allowed, and in which order (`services.merges`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString

import orjson
import psycopg

Connection = psycopg.Connection[Any]
Groups = Mapping[int, Sequence[int]]
"""Contacts by golden id."""

_MEMBERS: LiteralString = """
    SELECT golden_id, array_agg(contact_id ORDER BY contact_id) FROM matching.memberships
     WHERE ended_at IS NULL AND golden_id IN (
           SELECT golden_id FROM matching.memberships
            WHERE contact_id = ANY (%s) AND ended_at IS NULL)
     GROUP BY golden_id ORDER BY golden_id
"""
_EVENT: LiteralString = """
    INSERT INTO matching.events (kind, golden_id, model_version, before, after, evidence, reason,
                                 actor)
    VALUES (%(kind)s, %(golden)s,
            (SELECT model_version FROM matching.model_versions WHERE state = 'active'),
            %(before)s, %(after)s,
            (SELECT coalesce(jsonb_agg(jsonb_build_array(contact_a, contact_b, levels, score)
                                       ORDER BY score DESC), '[]')
               FROM matching.pairs WHERE contact_a = ANY (%(contacts)s)
                                     AND contact_b = ANY (%(contacts)s)),
            %(reason)s, %(actor)s)
    RETURNING event_id
"""
_MOVE: tuple[LiteralString, ...] = (
    """
    UPDATE matching.memberships SET ended_at = now(), ended_by = %(event)s
     WHERE contact_id = ANY (%(contacts)s) AND ended_at IS NULL
    """,
    """
    INSERT INTO matching.memberships (contact_id, golden_id, event_id)
    SELECT unnest(%(contacts)s::bigint[]), %(golden)s, %(event)s
    """,
)
_MINT: LiteralString = "INSERT INTO matching.golden_ids DEFAULT VALUES RETURNING golden_id"
_REVIVE: LiteralString = """
    UPDATE matching.golden_ids g SET retired_at = NULL, redirect_to = NULL
     WHERE golden_id = %s AND retired_at IS NOT NULL AND NOT EXISTS (
           SELECT FROM matching.memberships m
            WHERE m.golden_id = g.golden_id AND m.ended_at IS NULL)
"""
# The id a contact had to itself when it was last merged away.
_OWN: LiteralString = """
    SELECT m.golden_id FROM matching.memberships m
      JOIN matching.golden_ids g ON g.golden_id = m.golden_id AND g.retired_at IS NOT NULL
     WHERE m.contact_id = %(contact)s AND m.ended_at IS NOT NULL
       AND NOT EXISTS (SELECT FROM matching.memberships o
                        WHERE o.golden_id = m.golden_id AND o.contact_id <> m.contact_id)
     ORDER BY m.membership_id DESC LIMIT 1
"""
_REVOKE: LiteralString = """
    UPDATE matching.overrides o SET revoked_at = now(), revoked_by = %(actor)s
      FROM unnest(%(a)s::bigint[], %(b)s::bigint[]) p (a, b)
     WHERE o.contact_a = p.a AND o.contact_b = p.b AND o.revoked_at IS NULL AND o.kind <> %(kind)s
"""
_REVOKE_ANY: LiteralString = _REVOKE.replace(" AND o.kind <> %(kind)s", "")
_OVERRIDE: LiteralString = """
    INSERT INTO matching.overrides (kind, contact_a, contact_b, decided_by)
    SELECT %(kind)s, a, b, %(actor)s FROM unnest(%(a)s::bigint[], %(b)s::bigint[]) p (a, b)
        ON CONFLICT (contact_a, contact_b) WHERE revoked_at IS NULL DO NOTHING
"""
_STALE: LiteralString = (
    "INSERT INTO matching.stale (contact_id) SELECT unnest(%s::bigint[]) ON CONFLICT DO NOTHING"
)
_TIES: LiteralString = """
    SELECT contact_a, contact_b FROM matching.pairs
     WHERE verdict = 'auto' AND contact_a = ANY (%(ids)s) AND contact_b = ANY (%(ids)s)
     UNION
    SELECT contact_a, contact_b FROM matching.overrides
     WHERE kind = 'must_link' AND revoked_at IS NULL
       AND contact_a = ANY (%(ids)s) AND contact_b = ANY (%(ids)s)
"""
_APART: LiteralString = """
    SELECT contact_a, contact_b FROM matching.overrides
     WHERE kind = 'cannot_link' AND revoked_at IS NULL AND (
           contact_a = ANY (%(one)s) AND contact_b = ANY (%(two)s)
        OR contact_a = ANY (%(two)s) AND contact_b = ANY (%(one)s))
"""
_CONFLICTS: LiteralString = """
    SELECT count(*) FROM matching.pairs
     WHERE verdict <> 'auto' AND reason = ANY (%(reasons)s) AND (
           contact_a = ANY (%(one)s) AND contact_b = ANY (%(two)s)
        OR contact_a = ANY (%(two)s) AND contact_b = ANY (%(one)s))
"""


def clusters_of(conn: Connection, contacts: Sequence[int]) -> dict[int, list[int]]:
    """Every contact of the golden ids that some contacts belong to now."""
    return dict(conn.execute(_MEMBERS, (list(contacts),)).fetchall())


def add_event(
    conn: Connection,
    kind: str,
    golden_id: int | None,
    before: Groups,
    after: Groups,
    *,
    actor: str,
    reason: str = "",
    about: Iterable[int] | None = None,
) -> int:
    """Append to the merge log; its evidence are the pairs among `about`, by default of `before`."""
    contacts = (
        list(about) if about is not None else [one for part in before.values() for one in part]
    )
    row = conn.execute(_EVENT, {
        "kind": kind, "golden": golden_id, "before": _json(before), "after": _json(after),
        "contacts": contacts, "reason": reason[:200], "actor": actor[:200],
    }).fetchone()  # fmt: skip
    assert row is not None
    return int(row[0])


def move(conn: Connection, event_id: int, contacts: Sequence[int], golden_id: int) -> None:
    """End the contacts' memberships and begin new ones."""
    values = {"event": event_id, "contacts": list(contacts), "golden": golden_id}
    for statement in _MOVE:
        conn.execute(statement, values)


def retire(conn: Connection, golden_id: int, successor: int) -> None:
    """A golden id gives way to another."""
    conn.execute(
        "UPDATE matching.golden_ids SET retired_at = now(), redirect_to = %s WHERE golden_id = %s",
        (successor, golden_id),
    )


def golden_id_for(conn: Connection, former: int | None) -> int:
    """The former id, taken back into use, where nobody has it now; else a new one."""
    if former is not None and conn.execute(_REVIVE, (former,)).rowcount == 1:
        return former
    row = conn.execute(_MINT).fetchone()
    assert row is not None
    return int(row[0])


def own_golden_id(conn: Connection, contact_id: int) -> int | None:
    """The golden id a contact had alone before it was merged, if it had one."""
    row = conn.execute(_OWN, {"contact": contact_id}).fetchone()
    return int(row[0]) if row else None


def decide(conn: Connection, kind: str, pairs: Iterable[tuple[int, int]], actor: str) -> None:
    """Put overrides in force; opposite ones about the same pairs are revoked."""
    ordered = sorted({(min(pair), max(pair)) for pair in pairs})
    values = {"kind": kind, "actor": actor[:200],
              "a": [a for a, _ in ordered], "b": [b for _, b in ordered]}  # fmt: skip
    conn.execute(_REVOKE, values)
    conn.execute(_OVERRIDE, values)
    conn.execute(_STALE, (sorted({one for pair in ordered for one in pair}),))


def revoke(conn: Connection, pairs: Iterable[tuple[int, int]], actor: str) -> None:
    """Take back what was decided about these pairs; the next run looks at them again."""
    ordered = sorted(pairs)
    values = {"actor": actor[:200], "a": [a for a, _ in ordered], "b": [b for _, b in ordered]}
    conn.execute(_REVOKE_ANY, values)
    conn.execute(_STALE, (sorted({one for pair in ordered for one in pair}),))


def ties(conn: Connection, contacts: Sequence[int]) -> list[tuple[int, int]]:
    """Automatic pairs and must-links among contacts."""
    return conn.execute(_TIES, {"ids": list(contacts)}).fetchall()


def kept_apart(conn: Connection, one: Sequence[int], two: Sequence[int]) -> list[tuple[int, int]]:
    """Decisions in force that keep contacts of two clusters apart."""
    return conn.execute(_APART, {"one": list(one), "two": list(two)}).fetchall()


def conflicts(
    conn: Connection, one: Sequence[int], two: Sequence[int], reasons: Sequence[str]
) -> int:
    """How many pairs between two clusters the guard found to be different persons or sites."""
    values = {"one": list(one), "two": list(two), "reasons": list(reasons)}
    row = conn.execute(_CONFLICTS, values).fetchone()
    return int(row[0]) if row else 0


def _json(groups: Groups) -> str:
    return orjson.dumps({str(key): list(part) for key, part in groups.items()}).decode()
