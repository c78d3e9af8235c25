"""The statements that make golden contacts of the golden ids in `due`.

`due` has the number of contacts of each and the lowest of them (golden_id, contact_count,
contact_id).

Belongs here: their SQL. Does not: ranking (`matching.golden_rules`), when they run
(`matching.golden`).

Most golden contacts have one contact and need no ranking; the others go through `facts` (their
contacts with claims), `winners` and `chosen` (the winners' values, the runners-up's claims). For
all golden contacts these and `due` are temporary tables, with statistics; for a few, parts of one
statement, which is planned once and not as often as there are tables.
"""

from __future__ import annotations

from bulk_lookup_dagster.matching.golden_rules import by_index, claim, claimant, opted_out, rule
from bulk_lookup_dagster.storage.tables.golden import BLOCKS, FIELDS

_CHANNELS = 200
"""Most phones and e-mails a golden contact lists."""
_MEMBERS = "JOIN matching.memberships m ON m.golden_id = d.golden_id AND m.ended_at IS NULL"


def _contacts(contact_id: str) -> str:
    return f"""
        JOIN (SELECT *, (created_at AT TIME ZONE 'UTC')::date AS created_on FROM intake.contacts) c
          ON c.contact_id = {contact_id}
        LEFT JOIN matching.records r ON r.contact_id = c.contact_id
    """


_CONTACTS = f"FROM due d {_MEMBERS} {_contacts('m.contact_id')}"
_SEEN = "greatest(c.last_verified_on, c.created_on)"
_TEXT = {field: f"nullif(c.{field}, '')" for field in FIELDS} | {
    "name": "coalesce(nullif(c.name, ''), nullif(concat_ws(' ', c.first_name, c.last_name), ''))"
}
_MAILBOX = "nullif(lower(trim(c.email)), '')"

# Only what a contact says itself, or a provider confirmed, is a channel; a guess is none (F34).
_ADDED = f"""
    SELECT d.golden_id,
           array_agg(DISTINCT s.subject_id) FILTER (WHERE x.kind = 'phone') AS phones,
           array_agg(DISTINCT s.value::text) FILTER (WHERE x.kind = 'email') AS emails
      FROM due d {_MEMBERS}
      JOIN intake.contact_subjects x ON x.contact_id = m.contact_id AND x.kind IN ('phone', 'email')
      JOIN intake.subjects s ON s.subject_id = x.subject_id AND s.value IS NOT NULL
      LEFT JOIN matching.confirmations o ON o.subject_id = x.subject_id
     WHERE coalesce(o.confirmed, x.origin_claim_id IS NULL) GROUP BY d.golden_id
"""


def _merged(own: str, more: str) -> str:
    """Both arrays as one without repetitions, at most `_CHANNELS` long."""
    return (
        f"(CASE WHEN {more} IS NULL THEN {own} ELSE"
        f" ARRAY(SELECT DISTINCT unnest({own} || {more}) ORDER BY 1) END)[:{_CHANNELS}]"
    )


def _insert(columns: dict[str, str], tables: str) -> str:
    return (
        f"INSERT INTO matching.golden_contacts ({', '.join(columns)})"
        f" SELECT {', '.join(columns.values())} {tables}"
    )


def _origin_of_one(block: str) -> dict[str, str]:
    there = "TRUE"
    if block != "phone":
        there = f"num_nonnulls({', '.join(_TEXT[field] for field in BLOCKS[block])}) > 0"
    return {
        f"{block}_contact_id": f"CASE WHEN {there} THEN c.contact_id END",
        f"{block}_rule": f"CASE WHEN {there} THEN 'only' END",
    }


_ALONE = _insert(
    {
        "golden_id": "d.golden_id",
        "kind": "coalesce(r.kind, 'nameless')",
        **_TEXT,
        "phone_subject_id": "c.phone_subject_id",
        "phone_subject_ids": _merged("ARRAY[c.phone_subject_id]", "a.phones"),
        "emails": _merged(f"array_remove(ARRAY[{_MAILBOX}], NULL)", "a.emails"),
        "opted_out": opted_out(),
        "last_verified_on": "c.last_verified_on",
        "last_seen_on": _SEEN,
        "contact_count": "1",
        "compared_values": "0",
        "differing_values": "0",
        **{key: value for block in BLOCKS for key, value in _origin_of_one(block).items()},
    },
    f"FROM due d {_contacts('d.contact_id')} LEFT JOIN added a ON a.golden_id = d.golden_id"
    " WHERE d.contact_count = 1 ORDER BY d.golden_id",
)

_FACTS = f"""
    WITH ranked AS (
        SELECT source_id, cardinality(%(sources)s::text[]) + 1
               - array_position(%(sources)s::text[], name::text) AS rank
          FROM intake.sources
    ), mailboxes AS (
        SELECT x.contact_id, bool_and(o.confirmed) AS confirmed
          {_CONTACTS}
          JOIN intake.contact_subjects x ON x.contact_id = m.contact_id AND x.kind = 'email'
          JOIN intake.subjects t ON t.subject_id = x.subject_id AND t.value = {_MAILBOX}
          JOIN matching.confirmations o ON o.subject_id = x.subject_id
         WHERE d.contact_count > 1 GROUP BY x.contact_id
    )
    SELECT d.golden_id, d.contact_id AS lowest_id, c.phone_subject_id,
           {", ".join(f"{said} AS {field}" for field, said in _TEXT.items())},
           {_MAILBOX} AS mailbox, r.kind, r.last, r.postal, r.company AS company_key,
           r.email AS email_key, {opted_out()} AS opted_out, c.last_verified_on,
           {_SEEN} AS seen_on, {", ".join(claim(block) for block in BLOCKS)}
      {_CONTACTS}
      LEFT JOIN ranked s ON s.source_id = c.source_id
      LEFT JOIN matching.confirmations n ON n.subject_id = c.phone_subject_id
      LEFT JOIN mailboxes e ON e.contact_id = c.contact_id
     WHERE d.contact_count > 1
"""
_COMPARED = ("phone_subject_id", "email_key", "last", "company_key", "postal")
_KIND = " ".join(
    f"WHEN bool_or(kind = '{kind}') THEN '{kind}'" for kind in ("person", "organisation", "unknown")
)
_WINNERS = f"""
    SELECT golden_id, min(lowest_id) AS lowest_id, CASE {_KIND} ELSE 'nameless' END AS kind,
           {", ".join(f"max({block}_claim) AS {block}_claim" for block in BLOCKS)},
           array_agg(DISTINCT phone_subject_id) AS phones,
           coalesce(array_agg(DISTINCT mailbox) FILTER (WHERE mailbox IS NOT NULL), '{{}}')
               AS emails,
           bool_or(opted_out) AS opted_out, max(last_verified_on) AS last_verified_on,
           max(seen_on) AS seen_on, count(*)::int AS contact_count,
           ({" + ".join(f"greatest(count({one}) - 1, 0)" for one in _COMPARED)})::int AS compared,
           ({" + ".join(f"greatest(count(DISTINCT {one}) - 1, 0)" for one in _COMPARED)})::int
               AS differing
      FROM facts GROUP BY golden_id
"""
_FIELD_BLOCKS = {
    field: block for block, fields in BLOCKS.items() for field in fields if field != "phone"
}
_SECONDS = [
    f"max(f.{block}_claim) FILTER (WHERE f.{block}_claim <> w.{block}_claim) AS {block}_claim"
    for block in BLOCKS
]
_CHOSEN_VALUES = [
    f"max(f.{field}) FILTER (WHERE f.{block}_claim = w.{block}_claim) AS {field}"
    for field, block in {**_FIELD_BLOCKS, "phone_subject_id": "phone"}.items()
]
_CHOSEN = f"""
    SELECT f.golden_id, {", ".join(_SECONDS)}, {", ".join(_CHOSEN_VALUES)}
      FROM facts f JOIN winners w ON w.golden_id = f.golden_id GROUP BY f.golden_id
"""
_ORIGINS = {f"{block}_contact_id": claimant(block) for block in BLOCKS} | {
    f"{block}_rule": rule(block) for block in BLOCKS
}
_SEVERAL = _insert(
    {
        "golden_id": "w.golden_id",
        "kind": "w.kind",
        **{field: f"u.{field}" for field in _FIELD_BLOCKS},
        "phone_subject_id": "u.phone_subject_id",
        "phone_subject_ids": _merged("w.phones", "a.phones"),
        "emails": _merged("w.emails", "a.emails"),
        "opted_out": "w.opted_out",
        "last_verified_on": "w.last_verified_on",
        "last_seen_on": "w.seen_on",
        "contact_count": "w.contact_count",
        "compared_values": "w.compared",
        "differing_values": "w.differing",
        **_ORIGINS,
    },
    "FROM winners w JOIN chosen u ON u.golden_id = w.golden_id"
    " LEFT JOIN added a ON a.golden_id = w.golden_id ORDER BY w.golden_id",
)
_PINNED = ", ".join(
    f"{field} = CASE WHEN p.said ? '{field}' THEN (p.said ->> '{field}')::varchar({length})"
    f" ELSE g.{field} END"
    for field, length in FIELDS.items()
)
# The newest pin of a field wins, whichever contact of the cluster it was set on.
_PINS = f"""
    latest AS (
        SELECT DISTINCT ON (d.golden_id, n.field) d.golden_id, n.field, n.value
          FROM due d {_MEMBERS}
          JOIN enrichment.pins n ON n.contact_id = m.contact_id
         ORDER BY d.golden_id, n.field, n.pinned_at DESC, n.pin_id DESC
    ), p AS (
        SELECT golden_id, jsonb_object_agg(field, value) AS said, array_agg(field) AS fields
          FROM latest GROUP BY golden_id
    )
"""
_PIN = f"""
    UPDATE matching.golden_contacts g
       SET {_PINNED}, pinned = p.fields,
           emails = CASE WHEN lower(p.said ->> 'email') <> ALL (g.emails)
                         THEN (g.emails || lower(p.said ->> 'email')::varchar(320))[:{_CHANNELS}]
                         ELSE g.emails END,
           phone_subject_id = coalesce((SELECT s.subject_id FROM intake.subjects s
                                         WHERE s.subject_id = ANY (g.phone_subject_ids)
                                           AND s.value = p.said ->> 'phone' LIMIT 1),
                                       g.phone_subject_id)
      FROM p WHERE g.golden_id = p.golden_id
"""
_TABLES = {"facts": _FACTS, "winners": _WINNERS, "chosen": _CHOSEN, "added": _ADDED}

PREPARE_ALL = tuple(
    statement
    for name, query in _TABLES.items()
    for statement in (
        f"CREATE TEMP TABLE {name} ON COMMIT DROP AS {query}",
        f"ANALYZE {name} (golden_id)",
    )
)
INSERT_ALL = (_ALONE, _SEVERAL)
PIN_ALL = f"WITH {_PINS} {_PIN}"
"""For temporary table `due`, in this order; parameter `sources` has the most trusted first."""

_DUE = """
    due AS (
        SELECT t.golden_id, count(*) AS contact_count, min(m.contact_id) AS contact_id
          FROM unnest(%(due)s::bigint[]) t (golden_id)
          JOIN matching.memberships m ON m.golden_id = t.golden_id AND m.ended_at IS NULL
         GROUP BY t.golden_id
    )
"""
_INLINE = ", ".join(
    f"{name} AS MATERIALIZED ({by_index(query)})" for name, query in _TABLES.items()
)
BUILD_FEW = f"""
    WITH {_DUE}, {_INLINE},
         alone AS ({_ALONE} RETURNING golden_id), several AS ({_SEVERAL} RETURNING golden_id)
    SELECT (SELECT count(*) FROM alone) + (SELECT count(*) FROM several)
"""
PIN_FEW = f"WITH {_DUE}, {_PINS} {_PIN}"
"""For golden ids in parameter `due`."""
