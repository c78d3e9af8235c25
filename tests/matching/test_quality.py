"""Scores in the database are those of the rule in `core.quality`, and never out of date."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from bulk_lookup_dagster.core.quality import FIELDS, Evidence, completeness, rate, score
from bulk_lookup_dagster.matching import golden_rules
from bulk_lookup_dagster.matching.full import run_full
from bulk_lookup_dagster.matching.golden import build_golden
from bulk_lookup_dagster.matching.quality import score_golden
from tests.matching.conftest import Contacts, answer
from tests.matching.test_golden import touch

Connection = psycopg.Connection[Any]
_KNOWN = """
    SELECT g.*, to_jsonb(q) AS rated, n.confirmed, r.first IS NOT NULL AS has_first,
           r.last IS NOT NULL AS has_last, m.is_role,
           (SELECT min(risk_level) FROM enrichment.phone_lookups l
             WHERE l.subject_id = g.phone_subject_id) AS risk_level
      FROM matching.golden_contacts g
      JOIN matching.quality_scores q USING (golden_id)
      LEFT JOIN matching.confirmations n ON n.subject_id = g.phone_subject_id
      LEFT JOIN matching.records r ON r.contact_id = g.name_contact_id
      LEFT JOIN matching.records m ON m.contact_id = g.email_contact_id
"""
ROWS: list[dict[str, str]] = [
    {"name": "Ada Larkwell", "email": "ada@gmail.com", "phone": "+14155550111"},
    {"name": "Ada Larkwell", "email": "ada.l@gmail.com", "phone": "+14155550111",
     "street": "12 Oak St", "city": "Springfield"},
    {"name": "Madonna", "phone": "+14155550122"},
    {"company": "Alpine Foods, L.L.C.", "website": "alpinefoods.com", "phone": "+14155550133",
     "email": "info@alpinefoods.com"},
    {"company": "Beta Roofing Inc", "phone": "+14155550144", "city": "Oldtown"},
    {"phone": "+14155550155"},
]  # fmt: skip


def build(conn: Connection) -> None:
    with conn.transaction():
        build_golden(conn)
        score_golden(conn)


def expected(row: dict[str, Any]) -> dict[str, int | None]:
    """Score, parts and completeness of a row by the pure rule."""
    today: date = datetime.now(UTC).date()
    evidence = Evidence(
        kind=row["kind"],
        phone_confirmed=row["confirmed"],
        mailbox="none" if row["email"] is None else "role" if row["is_role"] else "given",
        name_parts=bool(row["has_first"]) + bool(row["has_last"]),
        has_company=row["company"] is not None,
        has_website=row["website"] is not None,
        has_address=row["street"] is not None and bool(row["postal_code"] or row["city"]),
        opted_out=row["opted_out"],
        risk=row["risk_level"] or "unknown",
        age_days=(today - row["last_seen_on"]).days,
        compared=row["compared_values"],
        differing=row["differing_values"],
        filled=sum(row[field] is not None for field in FIELDS[row["kind"]]),
    )
    parts = rate(evidence)
    whole = completeness(evidence.kind, evidence.filled)
    return {**parts, "score": score(parts), "completeness": whole}


@pytest.mark.parametrize("few", [0, 1_000])
def test_f20_the_rule_over_sets_is_the_pure_rule(
    conn: Connection, add: Contacts, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(golden_rules, "FEW", few)
    ids = add(*ROWS)
    answer(conn, "+14155550111", valid=True)
    answer(conn, "+14155550122", valid=False)
    for phone, risk in (("+14155550111", "low"), ("+14155550133", "high")):
        answer(conn, phone, risk=risk)
    answer(conn, "+14155550144", risk="unknown")
    conn.execute("UPDATE intake.contacts SET created_at = now() - interval '400 days',"
                 " extra = '{\"dnc\": \"y\"}' WHERE contact_id = %s", [ids[4]])  # fmt: skip
    run_full(conn)
    build(conn)
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_KNOWN).fetchall()
    assert len(rows) == len(ROWS) - 1
    for row in rows:
        wanted = expected({**row, "last_seen_on": max(row["last_seen_on"], _asked(conn, row))})
        assert {name: row["rated"][name] for name in wanted} == wanted


def _asked(conn: Connection, row: dict[str, Any]) -> date:
    found = conn.execute(
        "SELECT max(fetched_at)::date FROM enrichment.phone_lookups WHERE subject_id = %s",
        [row["phone_subject_id"]],
    ).fetchall()[0][0]
    return found or date.min


def test_a_golden_contact_built_anew_is_scored_anew(conn: Connection, add: Contacts) -> None:
    (one,) = add(ROWS[2])
    run_full(conn)
    build(conn)
    read = "SELECT validity FROM matching.quality_scores"
    assert conn.execute(read).fetchall() == [(60,)]
    answer(conn, ROWS[2]["phone"], valid=True)
    touch(conn, one)
    build(conn)
    assert conn.execute(read).fetchall() == [(100,)]


def test_f16_a_score_follows_whatever_came_in(conn: Connection, add: Contacts) -> None:
    add(*ROWS)
    run_full(conn)
    build(conn)
    missing = conn.execute(
        "SELECT count(*) FROM matching.golden_contacts g LEFT JOIN matching.quality_scores q"
        " USING (golden_id) WHERE q.golden_id IS NULL"
    ).fetchall()
    assert missing == [(0,)]
