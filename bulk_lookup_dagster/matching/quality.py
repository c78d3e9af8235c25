"""Quality scores of golden contacts: the rule of `core.quality`, over sets of rows.

Belongs here: its SQL, made from the same points, and when a score is due. Does not: the rule
itself; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString

import psycopg

from bulk_lookup_dagster.core import quality as rules
from bulk_lookup_dagster.matching import golden_rules
from bulk_lookup_dagster.matching.lock import lock
from bulk_lookup_dagster.storage.tables.golden import PARTS

Connection = psycopg.Connection[Any]


def _case(column: str, points: Mapping[Any, int], unknown: str = "NULL") -> str:
    arms = " ".join(
        f"WHEN {_literal(key)} THEN {value}" for key, value in points.items() if key is not None
    )
    other = points.get(None, unknown)
    return f"CASE {column} {arms} ELSE {other} END"


def _literal(value: Any) -> str:
    return str(value).upper() if isinstance(value, bool) else f"'{value}'"


def _filled(fields: Iterable[str]) -> str:
    return f"num_nonnulls({', '.join(f'g.{field}' for field in fields)})"


_FILLED = "CASE g.kind " + " ".join(
    f"WHEN '{kind}' THEN {_filled(fields)}" for kind, fields in rules.FIELDS.items()
) + " END"  # fmt: skip
_APPLICABLE = "CASE kind " + " ".join(
    f"WHEN '{kind}' THEN {len(fields) + 1}" for kind, fields in rules.FIELDS.items()
) + " END"  # fmt: skip
_TODAY = "(SELECT (now() AT TIME ZONE 'UTC')::date)"
_EVIDENCE = f"""
    mailboxes AS MATERIALIZED (
        SELECT g.golden_id, x.subject_id
          FROM due d
          JOIN matching.golden_contacts g ON g.golden_id = d.golden_id
          JOIN intake.contact_subjects x ON x.contact_id = g.email_contact_id AND x.kind = 'email'
          JOIN intake.subjects t ON t.subject_id = x.subject_id AND t.value = lower(trim(g.email))
    ), confirmed_mailboxes AS MATERIALIZED (
        SELECT b.golden_id, bool_and(o.confirmed) AS confirmed
          FROM mailboxes b JOIN matching.confirmations o ON o.subject_id = b.subject_id
         GROUP BY b.golden_id
    ), evidence AS (
        SELECT g.golden_id, g.kind, n.confirmed,
               CASE WHEN g.email IS NULL THEN 'none' WHEN e.confirmed THEN 'confirmed'
                    WHEN NOT e.confirmed THEN 'refuted' WHEN m.is_role THEN 'role'
                    ELSE 'given' END AS mailbox,
               num_nonnulls(p.first, p.last) AS name_parts,
               g.company IS NOT NULL AS has_company, g.website IS NOT NULL AS has_website,
               g.street IS NOT NULL AND coalesce(g.postal_code, g.city) IS NOT NULL AS has_address,
               g.opted_out, k.risk,
               greatest({_TODAY} - greatest(g.last_seen_on, k.asked_on), 0) AS age_days,
               g.compared_values AS compared, g.differing_values AS differing,
               {_FILLED} AS filled
          FROM due d
          JOIN matching.golden_contacts g ON g.golden_id = d.golden_id
          LEFT JOIN matching.records p ON p.contact_id = g.name_contact_id
          LEFT JOIN matching.records m ON m.contact_id = g.email_contact_id
          LEFT JOIN matching.confirmations n ON n.subject_id = g.phone_subject_id
          LEFT JOIN matching.number_risks k ON k.subject_id = g.phone_subject_id
          LEFT JOIN confirmed_mailboxes e ON e.golden_id = d.golden_id
    )
"""
_RATED: Mapping[str, str] = {
    "validity": _case("confirmed", rules.VALIDITY),
    "verified_email": _case("mailbox", rules.EMAIL),
    "company": "CASE WHEN kind = 'organisation' THEN"
    f" has_company::int * {rules.COMPANY} + has_website::int * {rules.WEBSITE} END",
    "name": "CASE WHEN kind <> 'organisation' THEN"
    f" (ARRAY[{', '.join(map(str, rules.NAME))}])[name_parts + 1] END",
    "reachability": "CASE WHEN opted_out THEN 0 ELSE"
    f" {_case('confirmed', rules.REACH_PHONE)} + {_case('mailbox', rules.REACH_EMAIL)}"
    f" + has_address::int * {rules.REACH_ADDRESS} END",
    "risk": _case("risk", rules.RISK),
    "freshness": f"greatest(0, 100 - age_days * 100 / {rules.STALE_DAYS})",
    "agreement": "100 - differing * 100 / nullif(compared, 0)",
}
_SUM = " + ".join(f"coalesce({part} * {rules.WEIGHTS[part]}, 0)" for part in PARTS)
_WEIGHT = " + ".join(f"({part} IS NOT NULL)::int * {rules.WEIGHTS[part]}" for part in PARTS)
_INSERT = (
    f"INSERT INTO matching.quality_scores (golden_id, score, {', '.join(PARTS)}, completeness)"
)
_SCORES = f"""
    {_EVIDENCE}, rated AS (
        SELECT golden_id, {", ".join(f"{_RATED[part]} AS {part}" for part in PARTS)},
               (filled + 1) * 100 / {_APPLICABLE} AS completeness
          FROM evidence
    )
    SELECT golden_id, coalesce((2 * ({_SUM}) + ({_WEIGHT})) / nullif(2 * ({_WEIGHT}), 0), 0),
           {", ".join(PARTS)}, completeness
      FROM rated
"""
_DUE: LiteralString = """
    SELECT g.golden_id FROM matching.golden_contacts g
      LEFT JOIN matching.quality_scores q ON q.golden_id = g.golden_id
     WHERE q.golden_id IS NULL
"""
_SCORE_ALL = f"{_INSERT} WITH {_SCORES} ORDER BY golden_id"
_SCORE_SOME = f"""
    {_INSERT} WITH due AS ({_DUE} AND g.golden_id = ANY (%s)), {golden_rules.by_index(_SCORES)}
"""


def score_golden(conn: Connection, only: Sequence[int] | None = None) -> int:
    """Score golden contacts that have no score (of the few in `only`); how many.

    Building a golden contact anew takes its score away, so that none is of an earlier state.
    """
    lock(conn)
    if only is not None:
        # The joins stand in the right order: to look for a better one took longer than to run.
        conn.execute("SET LOCAL join_collapse_limit = 1")
        return conn.execute(_SCORE_SOME.encode(), (list(only),)).rowcount
    conn.execute("SET LOCAL work_mem = '256MB'")
    conn.execute("DROP TABLE IF EXISTS due")
    conn.execute(f"CREATE TEMP TABLE due ON COMMIT DROP AS {_DUE}")
    conn.execute("ANALYZE due")
    due = conn.execute("SELECT count(*) FROM due").fetchone()
    few = due is not None and due[0] <= golden_rules.FEW
    statement = golden_rules.by_index(_SCORE_ALL) if few else _SCORE_ALL
    return conn.execute(statement.encode()).rowcount
